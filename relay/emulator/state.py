"""Everything one emulator knows: its resources, what it was sent, and how it is to behave."""

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from relay.emulator.clock import Clock, SystemClock
from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Registry, Resource
from relay.emulator.control.seed import seed_tracker
from relay.emulator.runtime.digest import Digest
from relay.emulator.store.bulk import BulkRows, Interaction
from relay.emulator.store.calls import DEFAULT_MAX_BYTES, Call, CallLog
from relay.emulator.store.dataset_records import KIND_OF_TYPE, DatasetRecords, RecordKind
from relay.emulator.store.journal import (
    CallEntry,
    DropEntry,
    Entry,
    Journal,
    NumberEntry,
    RecordsEntry,
    ResourceEntry,
    RowsEntry,
)
from relay.emulator.store.redaction import Redaction
from relay.emulator.store.s3_folder import S3Folder
from relay.emulator.wire.errors import RequestIds
from relay.emulator.wire.faults import Faults
from relay.emulator.wire.quotas import DEFAULT_QUOTAS, Quotas
from relay.emulator.wire.sigv4 import Verifier

DEFAULT_ACCOUNT_ID: Final = "123456789012"
DEFAULT_REGION: Final = "us-east-1"
_SEED_AGE_MS: Final = 3_600_000
"""Seeded resources count as made an hour ago: a clock that is set back does not unmake them."""


class Emulator:
    """The state behind one local Amazon Personalize; `relay.emulator.create_app` puts HTTP before it.

    `open` must be called before the first request and `close` after the last; the application's lifespan does both.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        state_seconds: float = 2.0,
        quotas: Mapping[str, float] = DEFAULT_QUOTAS,
        data_dir: Path | None = None,
        account_id: str = DEFAULT_ACCOUNT_ID,
        region: str = DEFAULT_REGION,
        seed_tracking_id: str | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_dataset_groups: int = 5,
        s3_dir: Path | None = None,
        min_interactions: int = 0,
    ) -> None:
        """A new one.

        Args:
            clock: Where time comes from; the machine's by default.
            rng: Where ids come from; the machine's randomness by default.
            state_seconds: How long creating and deleting a resource takes; 0 for at once.
            quotas: Operation to calls a second; an operation that is missing has none.
            data_dir: Where to keep the journal; None keeps everything in memory only.
            account_id: Twelve digits; stands in every ARN.
            region: Stands in the ARNs of what is there from the start. Calls signed for any region are served, and
                what they make has that region in its ARN.
            seed_tracking_id: With it, `open` makes sure of an ACTIVE event tracker with this tracking id.
            max_bytes: Memory for calls; past it the oldest are forgotten.
            max_dataset_groups: The quota of the account.
            s3_dir: An existing folder that stands for S3 in import, export, batch and deletion jobs; None: there is
                no S3, and those jobs are refused.
            min_interactions: Rows an import, and events a training, must have; the service wants 1000.
        """
        self.clock: Clock = clock or SystemClock()
        self.rng = rng or random.SystemRandom()
        self.account_id = account_id
        self.region = region
        self.signed_region = region
        """Of the call that is being answered; handlers do not wait, so there is one."""
        self.max_dataset_groups = max_dataset_groups
        self.calls = CallLog(max_bytes=max_bytes)
        self.digest = Digest()
        self.records = DatasetRecords()
        self.bulk = BulkRows()
        self.s3 = S3Folder(s3_dir) if s3_dir is not None else None
        self.min_interactions = min_interactions
        self.is_seeded = seed_tracking_id is not None
        self.registry = Registry(clock=self.clock, state_ms=round(state_seconds * 1000), changed=self._keep_resource)
        self.quotas = Quotas(clock=self.clock, per_s=quotas)
        self.faults = Faults(self.rng)
        self.verifier = Verifier()
        self.request_ids = RequestIds(self.rng)
        self.closing = asyncio.Event()
        """Set when the server stops: answers that were to take for ever end."""
        self._journal = Journal(data_dir) if data_dir is not None else None
        self._seed_tracking_id = seed_tracking_id
        self._state_ms = round(state_seconds * 1000)
        self._is_open = False

    def open(self) -> None:
        """Read the journal, if there is one, and seed; `JournalError` when it can't be used. Twice is once."""
        if self._is_open:
            return
        self._is_open = True
        if self._journal is not None:
            self._journal.open()
            for entry in self._journal.read():
                self._replay(entry)
        if self._seed_tracking_id is not None:
            created_ms = self.clock.now_ms() - self._state_ms - _SEED_AGE_MS
            seed_tracker(self.registry, self.arn, self._seed_tracking_id, created_ms=created_ms)

    def close(self) -> None:
        """Give the journal back."""
        if self._journal is not None:
            self._journal.close()

    def arn(self, path: str) -> str:
        """The ARN of a resource of this account that is there from the start, `dataset-group/demo` for example."""
        return f"arn:aws:personalize:{self.region}:{self.account_id}:{path}"

    def new_arn(self, path: str) -> str:
        """The ARN of a resource that the call makes: of the region it was signed for."""
        return f"arn:aws:personalize:{self.signed_region}:{self.account_id}:{path}"

    def uuid(self) -> str:
        """A random id of the shape of a UUID."""
        text = f"{self.rng.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def schema_of(self, dataset: Resource) -> str:
        """The text of a dataset's schema; its last update counts."""
        arn = self.registry.details(dataset).get("schemaArn", dataset.schema_arn or "")
        return self.registry.get(Kind.SCHEMA, arn).schema or ""

    def dataset_of(self, group_arn: str, dataset_type: str) -> Resource | None:
        """The dataset of a type in a dataset group, if there is one."""
        for dataset in self.registry.all(Kind.DATASET, dataset_group_arn=group_arn):
            if dataset.dataset_type == dataset_type:
                return dataset
        return None

    def keep_call(self, call: Call) -> None:
        """Remember a call that is about to be answered."""
        self._remember(call)
        self._write(CallEntry(call))

    def import_rows(self, dataset_arn: str, rows: list[Interaction], *, replace: bool) -> None:
        """Take interactions of an import job."""
        self._write(RowsEntry(dataset_arn, rows, replace=replace))
        self._take_rows(dataset_arn, rows, replace=replace)

    def import_records(self, kind: RecordKind, dataset_arn: str, rows: list[tuple[str, str]], *, replace: bool) -> None:
        """Take users, items or actions of an import job: id and `properties`."""
        self._write(RecordsEntry(kind, dataset_arn, rows, replace=replace))
        self.records.take_bulk(kind, dataset_arn, rows, replace=replace)

    def drop_dataset(self, dataset: Resource) -> None:
        """Forget what a dataset holds from imports and puts; recorded events stay, as with the service."""
        self._write(DropEntry(dataset.arn, dataset.dataset_type or ""))
        self._drop(dataset.arn, dataset.dataset_type or "")

    def delete_users(self, group_arn: str, users: frozenset[str]) -> int:
        """Really delete users of a dataset group: records, rows, and their part of every call; how many were known."""
        datasets = self.registry.all(Kind.DATASET, dataset_group_arn=group_arn)
        arns = {one.arn for one in datasets}
        redaction = Redaction(group_arn, users, self.registry.group_of_tracking_id, arns)
        for call in self.calls.after(0):
            redaction.survey(call)
        self.calls.rewrite(redaction.redacted)
        known = redaction.found | self.bulk.users(arns, users)
        self.bulk.without_users(arns, users)
        for arn in arns:
            known |= self.records.without_users(arn, users)
        self.digest.unlearn()
        if self._journal is not None:
            self._journal.rewrite(redaction.entry(entry) for entry in list(self._journal.read()))
        return len(known)

    def caught_up(self) -> Digest:
        """The digest, up to date."""
        self.digest.catch_up(self.calls, self.bulk, self.registry)
        return self.digest

    def forget_calls(self) -> None:
        """Forget every call and what came with them: events, users, items, actions. Resources and faults stay."""
        self.calls.clear()
        self.records.clear()
        self.bulk.clear()
        self.digest = Digest(after=self.calls.last_n)
        if self._journal is not None:
            resources = [ResourceEntry(resource) for resource in self.registry.everything()]
            self._journal.rewrite([NumberEntry(self.calls.last_n), *resources])

    def _remember(self, call: Call) -> None:
        if self.calls.is_full:
            self.caught_up()
        self.calls.append(call)

    def _take_rows(self, dataset_arn: str, rows: list[Interaction], *, replace: bool) -> None:
        if replace and self.bulk.of(dataset_arn):
            self.digest.unlearn()
        self.bulk.take(dataset_arn, rows, replace=replace)

    def _drop(self, dataset_arn: str, dataset_type: str) -> None:
        if dataset_type in KIND_OF_TYPE:
            self.records.drop(KIND_OF_TYPE[dataset_type], dataset_arn)
        elif self.bulk.of(dataset_arn):
            self.bulk.drop(dataset_arn)
            self.digest.unlearn()

    def _write(self, entry: Entry) -> None:
        if self._journal is not None:
            self._journal.append(entry)

    def _keep_resource(self, resource: Resource) -> None:
        self._write(ResourceEntry(resource))

    def _replay(self, entry: Entry) -> None:
        match entry:
            case CallEntry(call):
                self._remember(call)
                if call.taken:
                    self.records.replay(call.operation, call.body)
            case ResourceEntry(resource):
                self.registry.restore(resource)
            case NumberEntry(last_n):
                self.calls.last_n = last_n
                self.digest = Digest(after=last_n)
            case RowsEntry():
                self._take_rows(entry.dataset_arn, entry.rows, replace=entry.replace)
            case RecordsEntry():
                self.records.take_bulk(entry.kind, entry.dataset_arn, entry.rows, replace=entry.replace)
            case DropEntry():
                self._drop(entry.dataset_arn, entry.dataset_type)
