"""Options that only some actions of a command use: others refuse them, so that none is ignored."""

from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperCommand

Only = Mapping[str, tuple[str, ...]]
"""Parameters of a command that only some of its actions use, by name, and which these are."""


def command_of(only: Only) -> type[TyperCommand]:
    """The class of a command that refuses what its action does not use; status 2, as wrong usage.

    The action is the command's first argument.
    """

    class Command(TyperCommand):
        def invoke(self, ctx: Any) -> Any:
            action = str(ctx.params[self.params[0].name])
            for param in self.params:
                uses = only.get(str(param.name), (action,))
                source = ctx.get_parameter_source(param.name)
                if action not in uses and source is not None and source.name == "COMMANDLINE":
                    flag = (
                        param.opts[0] if param.param_type_name == "option" else param.name.upper()
                    )
                    raise typer.BadParameter(
                        f"`mediafm {ctx.info_name} {action}` has no {flag}; it belongs to"
                        f" {' and '.join(uses)}",
                        ctx=ctx,
                    )
            return super().invoke(ctx)

    return Command
