"""An answer read token by token: text to send at once, stop strings, tool calls in the template's own form."""

from collections.abc import Sequence

from luthier.generation.text.detokenising import Detokeniser
from luthier.generation.text.stops import StopStrings
from luthier.generation.text.tool_format import ToolCall, ToolFormat, parse_calls
from luthier.tokens import ChatTemplate


class AnswerReader:
    """``is_stopped``: a stop string was met, nothing more will come, and whoever reads should cancel the stream.

    With ``form`` (and the ``tools`` that may be called) text is held back from where calls begin; `finish` gives them.
    """

    def __init__(
        self,
        chat: ChatTemplate,
        stops: Sequence[str] = (),
        form: ToolFormat | None = None,
        tools: Sequence[str] = (),
    ):
        self._form = form if tools else None
        self._tools = tuple(tools)
        self._chat = chat
        self._text = Detokeniser(chat, keeps_control=self._form is not None)
        self._stops = StopStrings(stops)
        self._lead = StopStrings((self._form.lead,) if self._form is not None else ())
        self._call_text = ""
        self._is_first = True

    @property
    def is_stopped(self) -> bool:
        return self._stops.found is not None

    @property
    def stop_string(self) -> str | None:
        return self._stops.found

    def push(self, *ids: int) -> str:
        """What may be sent now."""
        return self._sent(self._stops.push(self._text.push(ids)))

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        """The last piece of text, and the calls. What began like a call and is none comes back as text."""
        rest = ""
        if not self.is_stopped:
            rest = self._sent(self._stops.push(self._text.finish()))
            rest += self._sent(self._stops.finish()) if not self.is_stopped else ""
        rest += self._lead.finish() if self._lead.found is None else ""
        if self._form is None or not self._call_text:
            return self._plain(rest), ()
        text, calls = parse_calls(self._call_text, self._form, self._tools)
        return self._plain(rest if calls else rest + text), tuple(calls)

    def _sent(self, text: str) -> str:
        if self._form is None:
            return text
        if self._lead.found is None and not self._call_text:
            is_object = self._is_first and text.lstrip().startswith(("{", "["))
            self._is_first = self._is_first and not text.strip()
            if not (is_object and not self._form.lead):
                sent = self._lead.push(text)
                if self._lead.found is None:
                    return self._plain(sent)
                self._call_text = self._lead.found + text[len(sent) :].partition(self._lead.found)[2]
                return self._plain(sent)
        self._call_text += text
        return ""

    def _plain(self, text: str) -> str:
        """Control tokens were kept so that marks of calls can be seen; nobody else is to see them."""
        return self._chat.control_token.sub("", text) if self._form is not None else text
