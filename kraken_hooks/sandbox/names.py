"""Which names a hook file may use: for variables, attributes and methods. Pure; the compiler and the guards share it."""

from __future__ import annotations

from typing import Final

#: Attributes of tracebacks, frames, code, generators and coroutines: they lead out of the sandbox.
_INSPECTION: Final = frozenset(
    """
    tb_frame tb_next tb_lasti tb_lineno
    f_back f_builtins f_code f_generator f_globals f_lasti f_lineno f_locals f_trace f_trace_lines f_trace_opcodes
    co_argcount co_branches co_cellvars co_code co_consts co_exceptiontable co_filename co_firstlineno co_flags co_freevars
    co_kwonlyargcount co_lines co_linetable co_lnotab co_name co_names co_nlocals co_positions co_posonlyargcount
    co_qualname co_stacksize co_varnames
    gi_frame gi_code gi_running gi_suspended gi_yieldfrom gi_state
    cr_await cr_frame cr_code cr_origin cr_running cr_suspended cr_state
    ag_await ag_frame ag_code ag_running ag_suspended ag_state
    """.split()
)

#: Attributes that are looked at when the program runs, because what they give depends on the object.
WATCHED: Final = frozenset({"format", "format_map", "mro", "obj", "register", "with_traceback"})

#: Methods with two underscores that a class of a hook file may define, and call by name on its own objects and through `super()`.
METHODS: Final = frozenset(
    f"__{name}__"
    for name in """
    new init post_init init_subclass set_name class_getitem repr str bytes format bool len length_hint iter next reversed contains
    getitem setitem delitem missing getattr setattr delattr get set delete
    call enter exit eq ne lt le gt ge hash int float complex index round trunc floor ceil
    add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or
    radd rsub rmul rmatmul rtruediv rfloordiv rmod rdivmod rpow rlshift rrshift rand rxor ror
    iadd isub imul imatmul itruediv ifloordiv imod ipow ilshift irshift iand ixor ior neg pos abs invert
    """.split()
)

#: What Python links exceptions with.
LINKED: Final = frozenset({"__cause__", "__context__", "__suppress_context__", "__notes__"})

#: `x.__class__.__name__`, which is text of any object.
CLASS_NAME: Final = "__class__.__name__"

#: Attributes with two underscores that may be read of a hook file's own classes, objects and functions, and of exceptions.
SEEN: Final = LINKED | frozenset(
    {CLASS_NAME}
    | {f"__{name}__" for name in ("annotations", "class", "dict", "doc", "match_args", "members", "module", "qualname")}
)

#: Private methods of named tuples, which are theirs to call in spite of the underscore.
NAMED_TUPLE: Final = frozenset({"_asdict", "_fields", "_make", "_replace"})

#: Names that a class of enum members gives a meaning to, in its body and on its members.
ENUM_NAMES: Final = frozenset({"_generate_next_value_", "_ignore_", "_missing_", "_order_"})
_ENUM_ATTRIBUTES: Final = frozenset({"_name_", "_value_"})

#: Remarks that a file makes about itself.
REMARKS: Final = frozenset(
    f"__{name}__" for name in ("all", "author", "copyright", "date", "doc", "license", "version")
)


def variable_problem(name: str) -> str:
    """Why a name cannot be given to a variable, function, class or argument; empty where it can."""
    if name == "super":
        return "the name super cannot be given to anything else"
    if name.startswith("__") and name not in REMARKS:
        return f"the name {name} begins with two underscores"
    if name.startswith("_") and name.endswith("_") and name.strip("_") and name not in REMARKS:
        return f"the name {name} is kept for the sandbox"
    return ""


def is_private(attribute: str) -> bool:
    """One leading underscore: free on objects of the hook file's own classes, refused on all others."""
    if attribute in _ENUM_ATTRIBUTES:
        return True
    return attribute.startswith("_") and not attribute.startswith("__") and not attribute.endswith("_")


def attribute_problem(attribute: str) -> str:
    """Why an attribute cannot be used on any object; empty where it can (a private one: on own objects)."""
    if attribute in _INSPECTION:
        return f"the attribute {attribute} shows the insides of running code"
    if attribute.startswith("_") and not is_private(attribute) and attribute != "__name__":
        return f"the attribute {attribute} is not for hooks"
    return ""


def mangled(class_name: str, attribute: str) -> str:
    """The private name that Python makes of `__attribute` inside a class; the attribute itself where it makes none."""
    stripped = class_name.lstrip("_")
    if not stripped or not attribute.startswith("__") or attribute.endswith("__"):
        return attribute
    return f"_{stripped}{attribute}"
