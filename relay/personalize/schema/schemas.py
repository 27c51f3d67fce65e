"""Schemas as resources of the service: found by name, made. They have no states: a schema is there at once."""

from typing import TYPE_CHECKING, Literal, NamedTuple

from relay.personalize.connection import Connection

if TYPE_CHECKING:  # the stubs are a development dependency
    from types_aiobotocore_personalize.type_defs import ListSchemasRequestTypeDef


class StoredSchema(NamedTuple):
    """A schema of the account."""

    arn: str
    text: str
    """Avro JSON."""


async def schema_by_name(connection: Connection, name: str) -> StoredSchema | None:
    """The schema of that name, or None.

    Raises:
        PersonalizeError: see `relay.personalize.errors`.
    """
    arguments: ListSchemasRequestTypeDef = {"maxResults": 100}
    while True:
        page = await connection.ask("ListSchemas", lambda control: control.list_schemas(**arguments))
        for summary in page["schemas"]:
            if summary.get("name") == name:
                return await _stored(connection, summary.get("schemaArn", ""))
        token = page.get("nextToken")
        if not token:
            return None
        arguments["nextToken"] = token


async def _stored(connection: Connection, arn: str) -> StoredSchema:
    answer = await connection.ask("DescribeSchema", lambda control: control.describe_schema(schemaArn=arn))
    return StoredSchema(arn, answer["schema"].get("schema", ""))


async def make_schema(
    connection: Connection, name: str, text: str, domain: Literal["ECOMMERCE", "VIDEO_ON_DEMAND"] | None
) -> str:
    """Make a schema; its ARN.

    Args:
        connection: The way to the service.
        name: 1 to 63 letters, digits, `-` and `_`.
        text: Avro JSON.
        domain: Of the dataset groups it is for; None for custom ones.

    Raises:
        InvalidInputError, ResourceAlreadyExistsError, LimitExceededError: as the service says.
        PersonalizeError: see `relay.personalize.errors`.
    """
    made = await connection.ask(
        "CreateSchema",
        lambda control: (
            control.create_schema(name=name, schema=text, domain=domain)
            if domain
            else control.create_schema(name=name, schema=text)
        ),
    )
    return made["schemaArn"]
