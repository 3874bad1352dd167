"""A loopback model that also judges: the usual persona, which grades every report and upholds every statement."""

from __future__ import annotations

import json
import re
from typing import Any

from tools.fakes.openai_server import OpenAIServer
from tools.fakes.persona import Answer

MARK = re.compile(r'"mark": "(\w+)"')
CRITERION = re.compile(r"^(\d+)\. \(", re.MULTILINE)
STATEMENT = re.compile(r'^<statement-\w+ id="(\d+)">', re.MULTILINE)


class JudgeServer(OpenAIServer):
    """Grades every criterion 8 for the first report and 4 for the second; ``judged`` counts the judge's prompts."""

    judged = 0

    async def __aenter__(self) -> JudgeServer:
        await super().__aenter__()
        return self

    def _answer(self, body: dict[str, Any]) -> Answer:
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        mark = MARK.search(prompt)
        if mark is None:
            return super()._answer(body)
        self.judged += 1
        if criteria := CRITERION.findall(prompt):
            return {"text": json.dumps({"mark": mark[1], "scores": [{"id": id, "A": 8, "B": 4} for id in criteria]})}
        verdicts = [{"id": id, "verdict": "supported"} for id in STATEMENT.findall(prompt)]
        return {"text": json.dumps({"mark": mark[1], "verdicts": verdicts})}
