"""What a notebook needs to draw its artifact, in one call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from passband.errors import UserError
from passband.figures.save import save_figure
from passband.figures.style import Look, method_looks
from passband.figures.table_files import write_table
from passband.figures.tables import Table
from passband.files import read_json
from passband.labels import label
from passband.printed import read_printed

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import HTML, Image, Markdown


@dataclass(frozen=True)
class Artifact:
    """One figure or table of a paper: its row, and the files that it is made of.

    Attributes:
        id, kind, title, notebook, saw, notes, options: the artifact's row, options resolved.
        paper: content of paper.yaml.
        models: one entry per model and seed, with the paths of its measurements.
        attacks: resolved rows of config/attacks.yaml by name.
        mark: what the figure says of the scale; empty at the paper scale.
        datasets: path of the test split by data set id.
        printed: folder of the tables that the paper printed.
        outputs: path by format: svg, pdf and png, or csv, html and tex.
    """

    id: str
    kind: str
    title: str
    notebook: str
    saw: str
    notes: list[str]
    options: dict
    paper: dict
    models: list[dict]
    attacks: dict[str, dict]
    mark: str
    datasets: dict[str, str]
    printed: str
    outputs: dict[str, str]

    @property
    def introduction(self) -> "Markdown":
        """The artifact, what the paper saw in it, and the scale of this run."""
        from IPython.display import Markdown

        lines = [f"## {self.title}", f"`{self.id}`", "", f"**What the paper saw.** {self.saw}"]
        lines += [f"\n**The paper's own inconsistency.** {note}" for note in self.notes]
        lines += [f"\n*{self.mark}*"] if self.mark else []
        return Markdown("\n".join(lines))

    def looks(
        self, methods: Iterable[str], names: Mapping[str, str] | None = None
    ) -> dict[str, Look]:
        """Label, colour and marker of methods, in the order of the figure.

        Args:
            methods: of the figure.
            names: names of methods in the figure, where they differ from those of the paper.
        """
        known = self.paper.get("methods") or {}
        trained_with = {entry["method"]: entry["trained_with"] for entry in self.models}
        named = {}
        for method in methods:
            row = known.get(method, {})
            name = (names or {}).get(method, row.get("label", method))
            named[method] = row | {"label": label(name, trained_with.get(method, {}))}
        return method_looks(named, named)

    def printed_table(self, name: str) -> "pd.DataFrame":
        """A table that the paper printed, with our names; `name` without the ending .csv."""
        return read_printed(Path(self.printed) / f"{name}.csv", self.paper.get("printed") or {})

    def other_printed_tables(self, name: str) -> "list[pd.DataFrame]":
        """The paper's printed tables but `name`, in the order of their names."""
        others = sorted(path.stem for path in Path(self.printed).glob("table*.csv"))
        return [self.printed_table(other) for other in others if other != name]

    def save(self, drawn: "Figure | Table") -> "Image | HTML":
        """Write the artifact's outputs; return what the notebook shows."""
        from IPython.display import HTML, Image

        if isinstance(drawn, Figure):
            save_figure(drawn, self.outputs, self.mark)
            return Image(filename=self.outputs["png"], width=860)
        write_table(drawn, self.outputs, self.mark)
        return HTML(Path(self.outputs["html"]).read_text(encoding="utf-8"))


def open_artifact(path: str | Path) -> Artifact:
    """Read the parameters that the workflow wrote for an artifact.

    Raises:
        UserError: there is no such file.
    """
    if not Path(path).exists():
        name = Path(path).stem
        raise UserError(
            f"{path} does not exist: make the artifact once with `snakemake {name}`, "
            "then its notebook can be opened by hand."
        )
    shared = ("paper", "models", "attacks", "mark", "datasets", "printed", "outputs")
    parameters = read_json(path, ("artifact", *shared))
    row = parameters["artifact"]
    return Artifact(
        **{key: row[key] for key in ("id", "kind", "title", "notebook", "saw")},
        notes=row.get("notes") or [],
        options=row.get("options") or {},
        **{key: parameters[key] for key in shared},
    )
