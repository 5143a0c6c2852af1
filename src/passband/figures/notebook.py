"""What every notebook says and shows beside its figure or table."""

from collections.abc import Mapping

from IPython.display import HTML, Image, Markdown


def introduce(artifact: Mapping, scale: Mapping) -> Markdown:
    """The artifact, what the paper saw in it, and the scale of this run."""
    lines = [f"## {artifact['title']}", f"`{artifact['id']}`", ""]
    lines.append(f"**What the paper saw.** {artifact['saw']}")
    lines += [f"\n**The paper's own inconsistency.** {note}" for note in artifact.get("notes", [])]
    if scale["mark"]:
        lines.append(f"\n*{scale['mark']}*")
    return Markdown("\n".join(lines))


def show_figure(outputs: Mapping[str, str]) -> Image:
    """The figure that was written, as the PNG file has it."""
    return Image(filename=outputs["png"], width=860)


def show_table(outputs: Mapping[str, str]) -> HTML:
    """The table that was written, as the report has it."""
    with open(outputs["html"], encoding="utf-8") as file:
        return HTML(file.read())
