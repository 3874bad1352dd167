"""Worlds with exact answers: generators that turn documents, or nothing but a seed, into questions and gold.

``facts`` holds what a generator knows (facts, edges, candidates), ``walks`` chains edges into questions of 1 to 4 hops,
``drawing`` draws a balanced set of cases by a seed; ``ordering`` and ``wordings`` serve them all.

Of proposals (PEPs, EIPs): ``archives`` reads the files, ``peps`` and ``eips`` their headers, ``proposals`` makes these
a collection, ``people`` tells authors apart, ``prose`` finds what sentences say, ``links`` makes the graph;
``questions`` puts together what ``comparisons``, ``lists``, ``times``, ``counts`` and ``unanswerable`` ask, from what
``picks`` gives.

Of the invented world, opened by ``synthetic``: ``invented`` holds its names, ``realm`` its facts, ``phrases`` and
``pages`` its texts, ``hazards`` what is wrong with some of them, ``told`` what they tell, ``riddles`` its questions.

The suite that scores these worlds is ``evals.suites.world``.
"""
