"""What the commands on products take."""

from functools import partial

from qa_queue.spec import Spec

_product = partial(Spec, "qa_queue.products")

COMMANDS = {
    "product_add": _product("product_add", "staff", texts={"title": 100, "price": 40}),
    "product_pin": _product("product_pin", "staff"),
    "product_click": _product("interest", "read", fixed={"how": "click"}),
    "product_sample": _product("interest", "read", fixed={"how": "sample"}),
}
