"""Packages on disk whose docstrings have summaries, bodies and arguments."""

SUMMARY = "Counts the sheep on a meadow."
BODY = tuple(f"The sheep of number {word} is counted too." for word in "abcde")


def make_packages(folder, names):
    for name in names:
        package = folder / name
        package.mkdir()
        (package / "__init__.py").write_text('raise RuntimeError("not to be imported")')
        for number in range(60):
            (package / f"m{number}.py").write_text(f'"""{_docstring(name, number)}"""')


def _docstring(name, number):
    body = [sentence.replace("sheep", f"{name} {number}") for sentence in BODY]
    arguments = [
        f"  {letter}: The argument {letter} of the {name} number {number}."
        for letter in "abc"
    ]
    return "\n".join([SUMMARY, "", *body, "", "Args:", *arguments])
