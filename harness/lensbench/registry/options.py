"""`name:key=value,…`: parsed here, and validated by the plugin's own typed options."""

from __future__ import annotations

import dataclasses
import functools
import re
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge

from lensbench.api.encoder import Encoder
from lensbench.api.plugin import Plugin
from lensbench.errors import OptionError, PluginError, UsageError, nearest

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*/)?[a-z0-9][a-z0-9_.@-]*")


@dataclass(frozen=True)
class Reference:
    """A plugin as the user names it."""

    name: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The one spelling of this reference."""
        pairs = ",".join(f"{key}={value}" if key else value for key, value in sorted(self.options))
        return f"{self.name}:{pairs}" if pairs else self.name


def parse_reference(text: str) -> Reference:
    """Reads `name`, `name:key=value,key=value` or `name:value,key=value`.

    A first value without its key stands under the empty key: it is of the option that the plugin
    calls `positional`.

    Raises:
        UsageError: Where the text has another form.
    """
    name, colon, rest = text.partition(":")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{text!r} is not a plugin name", "write name or name:option=value")
    pairs: dict[str, str] = {}
    for number, part in enumerate(rest.split(",") if colon else []):
        key, equals, value = part.partition("=")
        if number == 0 and not equals:
            key, value = "", part
        elif not equals or not key.strip():
            raise UsageError(f"{part!r} in {text!r} is not option=value", "e.g. mae-vit:patch=8")
        if key.strip() in pairs:
            raise UsageError(f"option {key.strip()!r} occurs twice in {text!r}", "keep one")
        pairs[key.strip()] = value.strip()
    if pairs.get("", "-") == "":
        raise UsageError(f"no option after the colon in {text!r}", "e.g. mae-vit:patch=8")
    return Reference(name, tuple(pairs.items()))


def options_class(plugin: Any) -> type | None:
    """The `Options` dataclass of a plugin class, or `None` where it has no options."""
    if not (isinstance(plugin, type) and issubclass(plugin, Plugin)):
        return None  # a condition that is a value
    options: type | None = plugin.Options
    if options is not None and not dataclasses.is_dataclass(options):
        raise PluginError(
            f"{plugin.__name__}.Options is no dataclass", "write @dataclass(frozen=True) above it"
        )
    return options


def build_options(what: str, plugin: Any, pairs: tuple[tuple[str, str], ...]) -> Any:
    """The plugin's options with these values, or `None` where the plugin has none.

    A class with an attribute `positional` takes a first value without a key for the option of
    that name.

    Raises:
        OptionError: Naming the option, the value and what is allowed.
    """
    cls = options_class(plugin)
    known = {field.name: field for field in dataclasses.fields(cls)} if cls else {}
    pairs = _named(what, plugin, _split(plugin, pairs)[0])
    for key, value in pairs:
        if key not in known:
            hint = nearest(key, known) if known else "it has none"
            raise OptionError(f"{what} has no option {key!r} (={value!r})", hint)
    if cls is None:
        return None
    import pydantic

    try:
        return _adapter(cls).validate_python(dict(pairs))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "missing":
            raise OptionError(f"{what} needs option {key!r}", f"e.g. {key}=…") from None
        hint = f"{key} is {option_type(known[key])}{_default(known[key])}" if key in known else ""
        raise OptionError(
            f"{what}: option {key}={dict(pairs).get(key)!r}: {first['msg']}", hint
        ) from None


@dataclass(frozen=True)
class ViewOptions:
    """Options of the harness for every encoder.

    Attributes:
        view: Side of the pixels that images are resampled to [arcsec]; 0 takes them as they are.
        rings: Whether amplitudes of rings, which need no weights, are added to the pooled features.
    """

    view: Annotated[float, Ge(0)] = 0.0
    rings: bool = False


def view_options(what: str, plugin: Any, pairs: tuple[tuple[str, str], ...]) -> ViewOptions:
    """Those of the options that are the harness's, for every encoder.

    Raises:
        OptionError: Naming the option, the value and what is allowed.
    """
    import pydantic

    shared = dict(_split(plugin, pairs)[1])
    try:
        found: ViewOptions = _adapter(ViewOptions).validate_python(shared)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise OptionError(
            f"{what}: option {key}={shared[key]!r}: {first['msg']}", "e.g. view=0.1,rings=true"
        ) from None
    return found


def _split(
    plugin: Any, pairs: tuple[tuple[str, str], ...]
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Options of a plugin itself, and those of the harness for an encoder, which come second."""
    if not (isinstance(plugin, type) and issubclass(plugin, Encoder)):
        return pairs, ()
    cls = options_class(plugin)
    own = {field.name for field in dataclasses.fields(cls)} if cls else set()
    shared = {field.name for field in dataclasses.fields(ViewOptions)} - own
    return (
        tuple(pair for pair in pairs if pair[0] not in shared),
        tuple(pair for pair in pairs if pair[0] in shared),
    )


def _named(
    what: str, plugin: Any, pairs: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """The pairs, a value without a key under the plugin's positional option."""
    bare = dict(pairs).get("")
    if bare is None:
        return pairs
    positional = plugin.positional if options_class(plugin) else ""
    if not positional:
        raise OptionError(f"{bare!r} of {what} is not option=value", "e.g. mae-vit:patch=8")
    if positional in dict(pairs):
        raise OptionError(f"{what} is given {positional} twice, {bare!r} too", "keep one")
    return tuple((key or positional, value) for key, value in pairs)


def option_fields(options: Any) -> tuple[tuple[str, str], ...]:
    """Options that differ from their defaults, as text."""
    if options is None:
        return ()
    changed = []
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.default is dataclasses.MISSING or value != field.default:
            changed.append((field.name, str(value)))
    return tuple(sorted(changed))


def option_type(field: dataclasses.Field[Any]) -> str:
    """The type of an option as a person would write it: `int`, `'2' or '4'`."""
    text = str(field.type).removesuffix(" | None")
    text = re.sub(r"Annotated\[([^,\]]+)[^\]]*\]", r"\1", text)
    return re.sub(r"Literal\[([^\]]+)\]", lambda found: found[1].replace(", ", " or "), text)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING or field.default is None:
        return ""
    return f", {field.default} by default"


@functools.cache
def _adapter(cls: type) -> Any:
    import pydantic

    return pydantic.TypeAdapter(cls)
