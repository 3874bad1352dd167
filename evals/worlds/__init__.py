"""Worlds with exact answers: generators that turn documents, or nothing but a seed, into questions and gold.

``facts`` holds what a generator knows (facts, edges, candidates), ``walks`` chains edges into questions of 1 to 4 hops,
``drawing`` draws a balanced set of cases by a seed. Of proposals (PEPs, EIPs): ``archives`` reads the files, ``peps``
and ``eips`` the headers, ``people`` tells authors apart, ``prose`` finds what sentences say, ``links`` makes the graph,
``questions`` and ``unanswerable`` the rest. Of the invented world: ``invented`` its names, ``realm`` its facts,
``pages`` its texts, ``hazards`` what is wrong with some of them, ``riddles`` its questions.

The suite that scores these worlds is ``evals.suites.world``.
"""
