"""An account as a notebook finds it: clients of the three services, and a bucket."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import boto3

from relay.testing import PersonalizeEmulator

ROLE: Final = "arn:aws:iam::123456789012:role/PersonalizeRole"
NAMESPACE: Final = "com.amazonaws.personalize.schema"
CATEGORIES: Final = ("tents", "stoves", "lamps")
ITEMS: Final = [f"p{number}" for number in range(30)]


class Account:
    """What a notebook works with."""

    def __init__(self, emulator: PersonalizeEmulator, s3_dir: Path) -> None:
        self.personalize = self.client(emulator, "personalize")
        self.events = self.client(emulator, "personalize-events")
        self.runtime = self.client(emulator, "personalize-runtime")
        self.emulator = emulator
        self.bucket = s3_dir / "bucket"
        self.bucket.mkdir()

    @staticmethod
    def client(emulator: PersonalizeEmulator, service: Any) -> Any:
        """An unmodified client of a service."""
        return boto3.client(service, **emulator.client_options)

    def upload(self, name: str, text: str) -> str:
        """Put an object into the bucket; its location."""
        (self.bucket / name).write_text(text)
        return f"s3://bucket/{name}"

    def download(self, path: str) -> str:
        """An object of the bucket."""
        return (self.bucket / path).read_text()

    def objects(self, prefix: str) -> list[str]:
        """Names of the objects in a folder of the bucket."""
        return sorted(path.name for path in (self.bucket / prefix).iterdir())

    def group(self, name: str, **more: str) -> str:
        """A dataset group that is ACTIVE."""
        arn = str(self.personalize.create_dataset_group(name=name, **more)["datasetGroupArn"])
        assert self.personalize.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]["status"] == "ACTIVE"
        return arn

    def dataset(self, group: str, kind: str, fields: list[Any], rows: Sequence[Mapping[str, Any]], **more: str) -> str:
        """A dataset with a schema of its own, filled by an import job."""
        schema = {"type": "record", "name": kind, "namespace": NAMESPACE, "fields": fields, "version": "1.0"}
        name = f"{group.rpartition('/')[2]}-{kind}"
        schema_arn = self.personalize.create_schema(name=name, schema=json.dumps(schema), **more)["schemaArn"]
        made = self.personalize.create_dataset(name=name, schemaArn=schema_arn, datasetGroupArn=group, datasetType=kind)
        if rows:
            assert self.imported(made["datasetArn"], name, rows)["status"] == "ACTIVE"
        return str(made["datasetArn"])

    def imported(self, dataset: str, job_name: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
        """An import job that has ended."""
        location = self.upload(f"{job_name}.csv", csv_of(rows))
        job = self.personalize.create_dataset_import_job(
            jobName=job_name, datasetArn=dataset, dataSource={"dataLocation": location}, roleArn=ROLE, **more
        )
        described = self.personalize.describe_dataset_import_job(datasetImportJobArn=job["datasetImportJobArn"])
        return dict(described["datasetImportJob"])

    def trained(self, group: str, name: str, recipe: str, **more: Any) -> str:
        """A solution version that is ACTIVE."""
        solution = self.personalize.create_solution(
            name=name, datasetGroupArn=group, recipeArn=f"arn:aws:personalize:::recipe/{recipe}", **more
        )
        version = self.personalize.create_solution_version(solutionArn=solution["solutionArn"])["solutionVersionArn"]
        described = self.personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
        assert described["status"] == "ACTIVE"
        return str(version)

    def shop(self, group: str, **more: str) -> dict[str, str]:
        """Datasets of interactions, items and users of a shop in which people keep to one category each."""
        category = "CATEGORY_L1" if more else "CATEGORY"
        string, number = {"type": "string"}, {"type": "float"}
        interactions = [
            {"name": "USER_ID", **string},
            {"name": "ITEM_ID", **string},
            {"name": "TIMESTAMP", "type": "long"},
            {"name": "EVENT_TYPE", **string},
        ]
        items = [
            {"name": "ITEM_ID", **string},
            {"name": category, **string, "categorical": True},
            {"name": "PRICE", **number},
        ]
        users = [{"name": "USER_ID", **string}, {"name": "AGE", "type": "int"}]
        return {
            "interactions": self.dataset(group, "Interactions", interactions, visits(), **more),
            "items": self.dataset(
                group,
                "Items",
                items,
                [{"ITEM_ID": item, category: category_of(item), "PRICE": price_of(item)} for item in ITEMS],
                **more,
            ),
            "users": self.dataset(
                group, "Users", users, [{"USER_ID": f"u{n}", "AGE": 15 + n} for n in range(30)], **more
            ),
        }


def visits() -> list[Mapping[str, Any]]:
    """Thirty users look at items of one category and buy the second of them."""
    rows: list[Mapping[str, Any]] = []
    for user in range(30):
        own = [item for item in ITEMS if category_of(item) == CATEGORIES[user % 3]]
        for step in range(6):
            item = own[(user + step) % len(own)]
            kind, at_s = "Purchase" if step == 1 else "View", 1_719_511_760 + user * 60 + step
            rows.append({"USER_ID": f"u{user}", "ITEM_ID": item, "TIMESTAMP": at_s, "EVENT_TYPE": kind})
    return rows


def category_of(item: str) -> str:
    """The category of an item."""
    return CATEGORIES[int(item[1:]) % 3]


def price_of(item: str) -> float:
    """The price of an item: its number and a half."""
    return int(item[1:]) + 0.5


def csv_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV; none of the values needs quoting."""
    rows = list(rows)
    return "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n"
