"""All commands, by their name in the protocol."""

from qa_queue.chat.commands import COMMANDS as CHAT
from qa_queue.draw.commands import COMMANDS as DRAW
from qa_queue.moderation.commands import COMMANDS as MODERATION
from qa_queue.polls.commands import COMMANDS as POLLS
from qa_queue.products.commands import COMMANDS as PRODUCTS
from qa_queue.questions.commands import COMMANDS as QUESTIONS
from qa_queue.spec import Spec
from qa_queue.stage.commands import COMMANDS as STAGE

COMMANDS: dict[str, Spec] = {**QUESTIONS, **MODERATION, **POLLS, **STAGE, **CHAT, **PRODUCTS, **DRAW}
"""Those whose right is `system` are the server's own."""
