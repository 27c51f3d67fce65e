"""Every operation of the three services: one call that does, and one for each error it models that a call can meet."""

import json
from typing import Any, Final

from tests.emulator.clients.recorded_calls import Recorded

CONTROL, EVENTS, RUNTIME = "personalize", "personalize-events", "personalize-runtime"
ROLE: Final = "arn:aws:iam::123456789012:role/Personalize"
NOT_FOUND, INVALID, IN_USE = "ResourceNotFoundException", "InvalidInputException", "ResourceInUseException"
EXISTS, TOKEN, LIMIT = "ResourceAlreadyExistsException", "InvalidNextTokenException", "LimitExceededException"

FILES: Final = {
    "interactions.csv": "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nu1,p1,1719511760,View\nu1,p2,1719511761,View\n",
    "users.json": '{"userId": "u1"}\n',
    "items.json": '{"itemId": "p1"}\n',
    "erase.csv": "USER_ID\nnobody\n",
}
"""What lies in the bucket."""


def arn(path: str) -> str:
    """An ARN of the emulator's account."""
    return f"arn:aws:personalize:us-east-1:123456789012:{path}"


def recipe(name: str) -> str:
    """The ARN of a recipe."""
    return f"arn:aws:personalize:::recipe/aws-{name}"


def avro(*fields: dict[str, Any]) -> str:
    """A schema of these fields."""
    whole = {"type": "record", "name": "S", "namespace": "com.amazonaws.personalize.schema", "fields": fields}
    return json.dumps({**whole, "version": "1.0"})


def _text(name: str) -> dict[str, Any]:
    return {"name": name, "type": "string"}


_INTERACTIONS: Final = avro(
    _text("USER_ID"), _text("ITEM_ID"), {"name": "TIMESTAMP", "type": "long"}, _text("EVENT_TYPE")
)
_SCHEMAS: Final = {
    "Interactions": _INTERACTIONS,
    "Items": avro(_text("ITEM_ID"), _text("BRAND")),
    "Users": avro(_text("USER_ID"), _text("PLAN")),
    "Actions": avro(_text("ACTION_ID"), _text("KIND")),
    "Action_Interactions": avro(
        _text("USER_ID"), _text("ACTION_ID"), _text("EVENT_TYPE"), {"name": "TIMESTAMP", "type": "long"}
    ),
}
_TAGS: Final = [{"tagKey": "team", "tagValue": "shop"}]


def _s3(name: str) -> dict[str, Any]:
    return {"path": f"s3://bucket/{name}"}


def making(group: str = "all") -> list[Recorded]:
    """From nothing to the solution versions; ARNs of those are only known once they were made."""
    group_arn = arn(f"dataset-group/{group}")
    calls = [Recorded(CONTROL, "CreateDatasetGroup", {"name": group, "tags": _TAGS})]
    for kind, schema in _SCHEMAS.items():
        calls.append(Recorded(CONTROL, "CreateSchema", {"name": f"{group}-{kind}", "schema": schema}))
        dataset = {"schemaArn": arn(f"schema/{group}-{kind}"), "datasetGroupArn": group_arn, "datasetType": kind}
        calls.append(Recorded(CONTROL, "CreateDataset", {"name": f"{group}-{kind}", **dataset}))
    for name, of in (
        ("personal", "user-personalization"),
        ("rank", "personalized-ranking"),
        ("next", "next-best-action"),
        ("segments", "item-affinity"),
    ):
        solution = {"name": name, "datasetGroupArn": group_arn, "recipeArn": recipe(of)}
        calls.append(Recorded(CONTROL, "CreateSolution", solution))
        calls.append(Recorded(CONTROL, "CreateSolutionVersion", {"solutionArn": arn(f"solution/{name}")}))
    return calls


def using(versions: dict[str, str], action_tracking_id: str, group: str = "all") -> list[Recorded]:
    """What goes on from there; every operation that `making` has not is here.

    Args:
        versions: Name of a solution to the ARN of its version.
        action_tracking_id: Of the dataset of action interactions.
        group: Name of the dataset group.
    """
    group_arn, dataset = arn(f"dataset-group/{group}"), arn(f"dataset/{group}/INTERACTIONS")
    missing = arn("filter/missing")
    source, output = {"s3DataSource": _s3("users.json")}, {"s3DataDestination": _s3("out")}
    personal = versions["personal"]
    shop = arn("dataset-group/domain")
    job = {"roleArn": ROLE, "jobOutput": output}
    filtered = 'INCLUDE ItemID WHERE Items.BRAND IN ("x")'
    metric = {"eventType": "View", "metricName": "views", "expression": "SAMPLECOUNT()"}
    where = {"dataSource": {"dataLocation": "s3://bucket/interactions.csv"}, "roleArn": ROLE}
    erase = {"dataSource": {"dataLocation": "s3://bucket/erase.csv"}, "roleArn": ROLE}
    who = {"campaignArn": arn("campaign/home"), "userId": "u1"}
    event = {"eventType": "View", "sentAt": 1_719_511_760, "itemId": "p1"}
    action = {"actionId": "a1", "sessionId": "s", "timestamp": 1_719_511_760, "eventType": "Taken"}
    made: list[tuple[str, str, dict[str, Any]]] = [
        (CONTROL, "CreateEventTracker", {"name": "all", "datasetGroupArn": group_arn}),
        (CONTROL, "CreateDatasetImportJob", {"jobName": "in", "datasetArn": dataset, **where}),
        (CONTROL, "CreateDatasetExportJob", {"jobName": "out", "datasetArn": dataset, "ingestionMode": "ALL", **job}),
        (CONTROL, "CreateDataDeletionJob", {"jobName": "erase", "datasetGroupArn": group_arn, **erase}),
        (CONTROL, "CreateFilter", {"name": "brand", "datasetGroupArn": group_arn, "filterExpression": filtered}),
        (CONTROL, "CreateCampaign", {"name": "home", "solutionVersionArn": personal}),
        (CONTROL, "CreateCampaign", {"name": "rank", "solutionVersionArn": versions["rank"]}),
        (CONTROL, "CreateCampaign", {"name": "next", "solutionVersionArn": versions["next"]}),
        (
            CONTROL,
            "CreateBatchInferenceJob",
            {"jobName": "batch", "solutionVersionArn": personal, "jobInput": source, **job},
        ),
        (
            CONTROL,
            "CreateBatchSegmentJob",
            {
                "jobName": "segments",
                "solutionVersionArn": versions["segments"],
                "jobInput": {"s3DataSource": _s3("items.json")},
                **job,
            },
        ),
        (
            CONTROL,
            "CreateMetricAttribution",
            {
                "name": "metrics",
                "datasetGroupArn": group_arn,
                "metrics": [metric],
                "metricsOutputConfig": {"roleArn": ROLE},
            },
        ),
        (CONTROL, "CreateDatasetGroup", {"name": "domain", "domain": "ECOMMERCE"}),
        (CONTROL, "CreateSchema", {"name": "domain", "schema": _INTERACTIONS, "domain": "ECOMMERCE"}),
        (
            CONTROL,
            "CreateDataset",
            {
                "name": "domain",
                "schemaArn": arn("schema/domain"),
                "datasetGroupArn": shop,
                "datasetType": "Interactions",
            },
        ),
        (
            CONTROL,
            "CreateRecommender",
            {"name": "viewed", "datasetGroupArn": shop, "recipeArn": recipe("ecomm-popular-items-by-views")},
        ),
        (EVENTS, "PutEvents", {"trackingId": "TRACKER", "sessionId": "s", "eventList": [event]}),
        (EVENTS, "PutUsers", {"datasetArn": arn(f"dataset/{group}/USERS"), "users": [{"userId": "u1"}]}),
        (EVENTS, "PutItems", {"datasetArn": arn(f"dataset/{group}/ITEMS"), "items": [{"itemId": "p3"}]}),
        (EVENTS, "PutActions", {"datasetArn": arn(f"dataset/{group}/ACTIONS"), "actions": [{"actionId": "a1"}]}),
        (EVENTS, "PutActionInteractions", {"trackingId": action_tracking_id, "actionInteractions": [action]}),
        (RUNTIME, "GetRecommendations", {**who, "numResults": 3}),
        (RUNTIME, "GetRecommendations", {"recommenderArn": arn("recommender/viewed"), "userId": "u1"}),
        (RUNTIME, "GetPersonalizedRanking", {**who, "campaignArn": arn("campaign/rank"), "inputList": ["p2", "p1"]}),
        (RUNTIME, "GetActionRecommendations", {**who, "campaignArn": arn("campaign/next")}),
        (CONTROL, "UpdateDataset", {"datasetArn": dataset, "schemaArn": arn(f"schema/{group}-Interactions")}),
        (CONTROL, "UpdateSolution", {"solutionArn": arn("solution/personal"), "performAutoTraining": False}),
        (CONTROL, "UpdateCampaign", {"campaignArn": arn("campaign/home"), "minProvisionedTPS": 2}),
        (
            CONTROL,
            "UpdateRecommender",
            {
                "recommenderArn": arn("recommender/viewed"),
                "recommenderConfig": {"minRecommendationRequestsPerSecond": 2},
            },
        ),
        (
            CONTROL,
            "UpdateMetricAttribution",
            {
                "metricAttributionArn": arn("metric-attribution/metrics"),
                "addMetrics": [metric | {"metricName": "more"}],
            },
        ),
        (CONTROL, "StopRecommender", {"recommenderArn": arn("recommender/viewed")}),
        (CONTROL, "StartRecommender", {"recommenderArn": arn("recommender/viewed")}),
        (CONTROL, "TagResource", {"resourceArn": group_arn, "tags": [{"tagKey": "a", "tagValue": "b"}]}),
        (CONTROL, "ListTagsForResource", {"resourceArn": group_arn}),
        (CONTROL, "UntagResource", {"resourceArn": group_arn, "tagKeys": ["a"]}),
        (CONTROL, "GetSolutionMetrics", {"solutionVersionArn": personal}),
        (CONTROL, "DescribeRecipe", {"recipeArn": recipe("sims")}),
        (CONTROL, "DescribeAlgorithm", {"algorithmArn": "arn:aws:personalize:::algorithm/aws-sims"}),
        (
            CONTROL,
            "DescribeFeatureTransformation",
            {"featureTransformationArn": "arn:aws:personalize:::feature-transformation/aws-sims"},
        ),
    ]
    one = {
        "DatasetGroup": group_arn,
        "Schema": arn("schema/domain"),
        "Dataset": dataset,
        "EventTracker": arn("event-tracker/all"),
        "DatasetImportJob": arn("dataset-import-job/in"),
        "DatasetExportJob": arn("dataset-export-job/out"),
        "DataDeletionJob": arn("data-deletion-job/erase"),
        "Solution": arn("solution/personal"),
        "SolutionVersion": personal,
        "Campaign": arn("campaign/home"),
        "Recommender": arn("recommender/viewed"),
        "Filter": arn("filter/brand"),
        "BatchInferenceJob": arn("batch-inference-job/batch"),
        "BatchSegmentJob": arn("batch-segment-job/segments"),
        "MetricAttribution": arn("metric-attribution/metrics"),
    }
    members = {name: name[:1].lower() + name[1:] + "Arn" for name in one}
    lists = [*(f"{name}s" for name in one), "Recipes"]
    calls = [Recorded(service, operation, given) for service, operation, given in made]
    calls += [Recorded(CONTROL, f"Describe{name}", {members[name]: value}) for name, value in one.items()]
    calls += [Recorded(CONTROL, f"List{name}", {"maxResults": 2}) for name in lists]
    calls.append(Recorded(CONTROL, "ListMetricAttributionMetrics", {"metricAttributionArn": one["MetricAttribution"]}))
    # The errors, each where a call can meet it.
    calls += [
        Recorded(CONTROL, f"Describe{name}", {members[name]: missing}, NOT_FOUND) for name in one if name != "Filter"
    ]
    calls += [Recorded(CONTROL, f"Describe{name}", {members[name]: "x"}, INVALID) for name in one]
    calls += [Recorded(CONTROL, f"List{name}", {"nextToken": "bm8="}, TOKEN) for name in lists]
    calls += [
        Recorded(service, operation, given, EXISTS)
        for service, operation, given in made
        if operation.startswith("Create") and "MetricAttribution" not in operation
    ]
    calls += [
        Recorded(CONTROL, "CreateMetricAttribution", {**made[10][2], "name": "second"}, LIMIT),
        Recorded(CONTROL, "DeleteDatasetGroup", {"datasetGroupArn": group_arn}, IN_USE),
        Recorded(CONTROL, "DeleteSolution", {"solutionArn": arn("solution/personal")}, IN_USE),
        Recorded(CONTROL, "DeleteSchema", {"schemaArn": arn("schema/domain")}, IN_USE),
        Recorded(CONTROL, "StartRecommender", {"recommenderArn": arn("recommender/viewed")}, IN_USE),
        Recorded(CONTROL, "StopSolutionVersionCreation", {"solutionVersionArn": personal}, IN_USE),
        Recorded(CONTROL, "StopSolutionVersionCreation", {"solutionVersionArn": missing}, NOT_FOUND),
        Recorded(CONTROL, "GetSolutionMetrics", {"solutionVersionArn": missing}, NOT_FOUND),
        Recorded(CONTROL, "TagResource", {"resourceArn": missing, "tags": _TAGS}, NOT_FOUND),
        Recorded(CONTROL, "CreateFilter", {**made[4][2], "name": "bad", "filterExpression": "x"}, INVALID),
        Recorded(RUNTIME, "GetRecommendations", {**who, "filterArn": missing}, NOT_FOUND),
        Recorded(RUNTIME, "GetRecommendations", {**who, "numResults": 501}, INVALID),
        Recorded(RUNTIME, "GetPersonalizedRanking", {**who, "inputList": ["p1"]}, INVALID),
        Recorded(RUNTIME, "GetActionRecommendations", {**who, "campaignArn": missing}, NOT_FOUND),
        Recorded(EVENTS, "PutEvents", {"trackingId": "none", "sessionId": "s", "eventList": [event]}, INVALID),
        Recorded(EVENTS, "PutItems", {"datasetArn": missing, "items": [{"itemId": "p1"}]}, NOT_FOUND),
        Recorded(EVENTS, "PutUsers", {"datasetArn": dataset, "users": [{"userId": "u1"}]}, INVALID),
        Recorded(EVENTS, "PutActions", {"datasetArn": missing, "actions": [{"actionId": "a"}]}, NOT_FOUND),
        Recorded(EVENTS, "PutActionInteractions", {"trackingId": "no", "actionInteractions": [action]}, NOT_FOUND),
    ]
    # And away with it, in the order in which it may go.
    gone = (
        ("Campaign", arn("campaign/home")),
        ("Campaign", arn("campaign/rank")),
        ("Campaign", arn("campaign/next")),
        ("Recommender", one["Recommender"]),
        ("Filter", one["Filter"]),
        ("MetricAttribution", one["MetricAttribution"]),
        *(("Solution", arn(f"solution/{name}")) for name in versions),
        ("EventTracker", one["EventTracker"]),
        *(("Dataset", arn(f"dataset/{group}/{kind.upper()}")) for kind in _SCHEMAS),
        ("DatasetGroup", group_arn),
        ("Schema", arn(f"schema/{group}-Items")),
    )
    return calls + [Recorded(CONTROL, f"Delete{name}", {members[name]: value}) for name, value in gone]
