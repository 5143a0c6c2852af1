"""What stands before the rows of tables of accuracies, and below their names."""

import pandas as pd

from passband.figures.tables import Heading


def dataset_heading(group: pd.DataFrame) -> Heading:
    """The data set and our network, and those of the paper whose numbers stand beside ours."""
    row = group.iloc[0]
    paper = [row["paper_dataset_title"], row["paper_model"]] if _has_printed(group) else []
    return Heading(row["dataset_title"], [row["network"]], paper)


def trained_heading(group: pd.DataFrame) -> Heading:
    heading = dataset_heading(group)
    return heading._replace(details=[*heading.details, *training(group)])


def only_dataset(group: pd.DataFrame) -> Heading:
    heading = dataset_heading(group)
    return Heading(heading.title, paper=heading.paper[:1])


def printed_heading(group: pd.DataFrame) -> Heading:
    return dataset_heading(group)._replace(details=())


def network_heading(group: pd.DataFrame) -> Heading:
    row = group.iloc[0]
    details = [_counted(row["parameters"]), row["dataset_title"]]
    paper = []
    if _has_printed(group):
        count = row["paper_parameters"]
        counted = [] if pd.isna(count) else [_counted(count)]
        paper = [row["paper_model"], *counted, row["paper_dataset_title"]]
    return Heading(row["network"], details, paper)


def network_details(row: pd.DataFrame) -> list[str]:
    first = row.iloc[0]
    other = first["paper_model"] != first["network"]
    details = [_counted(first["parameters"])] + [f"paper: {first['paper_model']}"] * other
    return [*details, *training(row)]


def training(row: pd.DataFrame) -> list[str]:
    """The attack of the training of a row's model, where it is not the paper's."""
    attack = row["training_attack"].iloc[0]
    return [attack] if attack else []


def _counted(parameters: int) -> str:
    return f"{parameters:,} parameters"


def _has_printed(group: pd.DataFrame) -> bool:
    return bool(group["paper_value"].notna().any())
