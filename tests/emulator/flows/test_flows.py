"""Five whole flows: a domain recommender, a custom recipe with a campaign, filters, batch, metric attribution."""

import json
import time
from typing import Any

import pytest

from tests.emulator.flows.account import ITEMS, ROLE, Account, category_of, price_of, visits

DOMAIN_RECIPE = "arn:aws:personalize:::recipe/aws-ecomm-{}"


def _items(answer: Any) -> list[str]:
    return [item["itemId"] for item in answer["itemList"]]


def test_an_ecommerce_dataset_group_recommends_by_its_recommenders(account: Account) -> None:
    personalize, runtime = account.personalize, account.runtime
    group = account.group("shop", domain="ECOMMERCE")
    account.shop(group, domain="ECOMMERCE")
    recipes = personalize.list_recipes(domain="ECOMMERCE")["recipes"]
    assert {recipe["domain"] for recipe in recipes} == {"ECOMMERCE"}
    made = {
        name: personalize.create_recommender(name=name, datasetGroupArn=group, recipeArn=DOMAIN_RECIPE.format(recipe))[
            "recommenderArn"
        ]
        for name, recipe in {
            "best-sellers": "popular-items-by-purchases",
            "also-viewed": "customers-who-viewed-x-also-viewed",
            "for-you": "recommended-for-you",
        }.items()
    }
    described = personalize.describe_recommender(recommenderArn=made["for-you"])["recommender"]
    assert described["status"] == "ACTIVE"
    assert 0 < described["modelMetrics"]["coverage"] <= 1
    bought = {row["ITEM_ID"] for row in visits() if row["EVENT_TYPE"] == "Purchase"}
    best = _items(runtime.get_recommendations(recommenderArn=made["best-sellers"], userId="u1", numResults=10))
    assert set(best) <= bought
    related = _items(
        runtime.get_recommendations(recommenderArn=made["also-viewed"], userId="new", itemId="p3", numResults=5)
    )
    assert "p3" not in related
    assert {category_of(item) for item in related} == {category_of("p3")}
    own = runtime.get_recommendations(recommenderArn=made["for-you"], userId="u4", numResults=6)
    assert {category_of(item) for item in _items(own)} == {category_of("p1")}
    hidden = {row["ITEM_ID"] for row in visits() if row["USER_ID"] == "u4" and row["EVENT_TYPE"] == "Purchase"}
    assert hidden.isdisjoint(_items(own))
    assert len(own["recommendationId"]) == 40
    personalize.stop_recommender(recommenderArn=made["for-you"])
    assert personalize.describe_recommender(recommenderArn=made["for-you"])["recommender"]["status"] == "INACTIVE"
    with pytest.raises(runtime.exceptions.InvalidInputException):
        runtime.get_recommendations(recommenderArn=made["for-you"], userId="u4")
    personalize.start_recommender(recommenderArn=made["for-you"])
    assert _items(runtime.get_recommendations(recommenderArn=made["for-you"], userId="u4", numResults=6)) == _items(own)
    config = {"minRecommendationRequestsPerSecond": 3, "enableMetadataWithRecommendations": True}
    personalize.update_recommender(recommenderArn=made["for-you"], recommenderConfig=config)
    shown = runtime.get_recommendations(
        recommenderArn=made["for-you"], userId="u4", numResults=1, metadataColumns={"ITEMS": ["PRICE", "CATEGORY_L1"]}
    )["itemList"][0]
    assert shown["metadata"] == {"PRICE": str(price_of(shown["itemId"])), "CATEGORY_L1": category_of(shown["itemId"])}


def test_a_custom_solution_has_versions_metrics_and_a_campaign_that_reacts_to_events(account: Account) -> None:
    personalize, runtime = account.personalize, account.runtime
    group = account.group("custom")
    datasets = account.shop(group)
    tracker = personalize.create_event_tracker(name="web", datasetGroupArn=group)
    version = account.trained(group, "personal", "aws-user-personalization-v2")
    metrics = personalize.get_solution_metrics(solutionVersionArn=version)["metrics"]
    assert metrics["precision_at_5"] > 0
    assert {"coverage", "mean_reciprocal_rank_at_25", "normalized_discounted_cumulative_gain_at_10"} < metrics.keys()
    campaign = personalize.create_campaign(name="home", solutionVersionArn=version, minProvisionedTPS=1)["campaignArn"]
    assert personalize.describe_campaign(campaignArn=campaign)["campaign"]["status"] == "ACTIVE"
    before = _items(runtime.get_recommendations(campaignArn=campaign, userId="visitor-session", numResults=8))
    event = {"eventType": "View", "itemId": "p2", "sentAt": time.time()}
    account.events.put_events(trackingId=tracker["trackingId"], sessionId="visitor-session", eventList=[event] * 2)
    after = _items(runtime.get_recommendations(campaignArn=campaign, userId="visitor-session", numResults=8))
    assert before != after
    assert {category_of(item) for item in after[:5]} == {category_of("p2")}
    account.events.put_items(
        datasetArn=datasets["items"],
        items=[{"itemId": "new", "properties": json.dumps({"category": category_of("p2"), "price": 3})}],
    )
    assert "new" in _items(runtime.get_recommendations(campaignArn=campaign, userId="visitor-session", numResults=31))
    ranking = account.trained(group, "rank", "aws-personalized-ranking")
    ranks = personalize.create_campaign(name="rank", solutionVersionArn=ranking)["campaignArn"]
    ranked = runtime.get_personalized_ranking(campaignArn=ranks, userId="u4", inputList=["p0", "p1", "p2", "nobody"])
    assert ranked["personalizedRanking"][0]["itemId"] == "p1"
    assert ranked["personalizedRanking"][-1]["itemId"] == "nobody"
    similar = account.trained(group, "similar", "aws-similar-items", eventType="View")
    personalize.update_campaign(campaignArn=campaign, solutionVersionArn=similar)
    assert personalize.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"] == similar
    assert {
        category_of(item) for item in _items(runtime.get_recommendations(campaignArn=campaign, itemId="p5"))[:5]
    } == {category_of("p5")}
    _clean_up(account, group, datasets, [campaign, ranks], tracker["eventTrackerArn"])


def test_filters_are_applied_with_their_values_and_to_the_visitor_of_the_moment(account: Account) -> None:
    personalize, runtime = account.personalize, account.runtime
    group = account.group("filtered")
    account.shop(group)
    version = account.trained(group, "personal", "aws-user-personalization")
    campaign = personalize.create_campaign(name="home", solutionVersionArn=version)["campaignArn"]

    def asked(expression: str, user: str = "u4", **values: str) -> list[str]:
        name = f"f{len(personalize.list_filters(datasetGroupArn=group)['Filters'])}"
        made = personalize.create_filter(name=name, datasetGroupArn=group, filterExpression=expression)
        shown = personalize.describe_filter(filterArn=made["filterArn"])["filter"]
        assert (shown["status"], shown["filterExpression"]) == ("ACTIVE", expression)
        answer = runtime.get_recommendations(
            campaignArn=campaign, userId=user, numResults=50, filterArn=made["filterArn"], filterValues=values
        )
        personalize.delete_filter(filterArn=made["filterArn"])
        return _items(answer)

    lamps = [item for item in ITEMS if category_of(item) == "lamps"]
    assert sorted(asked('INCLUDE ItemID WHERE Items.CATEGORY IN ("lamps")')) == sorted(lamps)
    assert sorted(asked("INCLUDE ItemID WHERE Items.CATEGORY IN ($CATS)", CATS='"lamps"')) == sorted(lamps)
    assert len(asked("INCLUDE ItemID WHERE Items.CATEGORY IN ($CATS)", CATS='"lamps","tents"')) == 20
    cheap = "INCLUDE ItemID WHERE Items.PRICE < $MOST"
    assert sorted(asked(cheap, MOST="2")) == ["p0", "p1"]
    seen = {row["ITEM_ID"] for row in visits() if row["USER_ID"] == "u4"}
    bought = {row["ITEM_ID"] for row in visits() if row["USER_ID"] == "u4" and row["EVENT_TYPE"] == "Purchase"}
    assert seen.isdisjoint(asked('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")'))
    assert bought.isdisjoint(asked('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")'))
    assert set(asked('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view", "Purchase")')) == seen
    grown_up = 'INCLUDE ItemID WHERE Items.CATEGORY IN ("stoves") IF CurrentUser.AGE < 18'
    assert len(asked(grown_up, user="u1")) == 10
    assert len(asked(grown_up, user="u9")) == 30
    both = (
        'INCLUDE ItemID WHERE Items.CATEGORY IN ("tents") AND Items.PRICE >= 10 OR Items.PRICE > 28 '
        '| EXCLUDE ItemID WHERE Items.CATEGORY NOT IN ("tents")'
    )
    assert sorted(asked(both)) == sorted(i for i in ITEMS if category_of(i) == "tents" and price_of(i) >= 10)
    assert len(asked("EXCLUDE ItemID WHERE Items.CATEGORY IN ($CATS)")) == 30
    with pytest.raises(runtime.exceptions.InvalidInputException, match="CATS"):
        asked("INCLUDE ItemID WHERE Items.CATEGORY IN ($CATS)")
    promoted = personalize.create_filter(
        name="promoted", datasetGroupArn=group, filterExpression='INCLUDE ItemID WHERE Items.CATEGORY IN ("lamps")'
    )["filterArn"]
    promotion = {"name": "lamps", "percentPromotedItems": 40, "filterArn": promoted}
    shown = runtime.get_recommendations(campaignArn=campaign, userId="u4", numResults=5, promotions=[promotion])
    assert [item.get("promotionName") for item in shown["itemList"]].count("lamps") == 2
    assert len(shown["itemList"]) == 5


@pytest.mark.parametrize(
    "expression",
    [
        "INCLUDE ItemID",
        "INCLUDE ItemID WHERE Items.CATEGORY",
        'INCLUDE ItemID WHERE Items.CATEGORY IN ("lamps',
        'INCLUDE ItemID WHERE Items.COLOUR IN ("red")',
        'INCLUDE ItemID WHERE Items.CATEGORY IN ("a") AND Interactions.EVENT_TYPE IN ("View")',
        'INCLUDE ItemID WHERE Items.CATEGORY IN ("a") IF Items.PRICE > 3',
        "INCLUDE ItemID WHERE Items.CATEGORY NOT IN ($CATS)",
        'INCLUDE ItemID WHERE Interactions.DEVICE IN ("phone")',
        'INCLUDE ItemID WHERE Items.CATEGORY IN ("*")',
        'INCLUDE UserID WHERE Items.CATEGORY IN ("a")',
        'INCLUDE ItemID WHERE Items.CATEGORY IN ("a") | EXCLUDE UserID WHERE Users.AGE > 3',
        "DROP TABLE items",
        "(" * 2000,
    ],
)
def test_an_expression_that_is_none_is_refused_with_the_place(account: Account, expression: str) -> None:
    group = account.group("filtered")
    account.shop(group)
    with pytest.raises(account.personalize.exceptions.InvalidInputException):
        account.personalize.create_filter(name="f", datasetGroupArn=group, filterExpression=expression)


def test_batch_jobs_read_and_write_the_bucket(account: Account) -> None:
    personalize = account.personalize
    group = account.group("batch")
    account.shop(group)
    version = account.trained(group, "personal", "aws-user-personalization")
    users = account.upload("users.json", '{"userId": "u4"}\n{"userId": "u5"}\n{"nobody": 1}\nno JSON\n')
    output = {"s3DataDestination": {"path": "s3://bucket/out/"}}
    job = personalize.create_batch_inference_job(
        jobName="nightly",
        solutionVersionArn=version,
        jobInput={"s3DataSource": {"path": users}},
        jobOutput=output,
        roleArn=ROLE,
        numResults=4,
    )["batchInferenceJobArn"]
    assert personalize.describe_batch_inference_job(batchInferenceJobArn=job)["batchInferenceJob"]["status"] == "ACTIVE"
    lines = [json.loads(line) for line in account.download("out/users.json.out").splitlines()]
    assert [line["error"] is None for line in lines] == [True, True, False, False]
    assert lines[0]["input"] == {"userId": "u4"}
    assert len(lines[0]["output"]["recommendedItems"]) == len(lines[0]["output"]["scores"]) == 4
    assert lines[0]["output"] != lines[1]["output"]
    affinity = account.trained(group, "segments", "aws-item-affinity")
    attributes = account.trained(group, "attributes", "aws-item-attribute-affinity")
    for name, trained, line, expected in (
        ("by-item", affinity, '{"itemId": "p3"}\n', 0),
        ("by-attribute", attributes, '{"itemAttributes": "ITEMS.category = \\"stoves\\""}\n', 1),
    ):
        job = personalize.create_batch_segment_job(
            jobName=name,
            solutionVersionArn=trained,
            jobInput={"s3DataSource": {"path": account.upload(f"{name}.json", line)}},
            jobOutput=output,
            roleArn=ROLE,
            numResults=5,
        )["batchSegmentJobArn"]
        described = personalize.describe_batch_segment_job(batchSegmentJobArn=job)["batchSegmentJob"]
        assert described["status"] == "ACTIVE", described
        segment = json.loads(account.download(f"out/{name}.json.out"))["output"]["recommendedUsers"]
        assert len(segment) == 5
        assert {int(user[1:]) % 3 for user in segment} == {expected}
    with pytest.raises(personalize.exceptions.InvalidInputException):
        personalize.create_batch_segment_job(
            jobName="wrong",
            solutionVersionArn=version,
            jobInput={"s3DataSource": {"path": users}},
            jobOutput=output,
            roleArn=ROLE,
        )


def test_a_metric_attribution_tells_which_source_brought_what(account: Account) -> None:
    personalize = account.personalize
    group = account.group("measured")
    datasets = account.shop(group)
    tracker = personalize.create_event_tracker(name="web", datasetGroupArn=group)
    version = account.trained(group, "personal", "aws-user-personalization")
    campaign = personalize.create_campaign(name="home", solutionVersionArn=version)["campaignArn"]
    attribution = personalize.create_metric_attribution(
        name="clicks-and-sales",
        datasetGroupArn=group,
        metrics=[
            {"eventType": "Click", "metricName": "clicks", "expression": "SAMPLECOUNT()"},
            {"eventType": "Purchase", "metricName": "turnover", "expression": "SUM(Items.PRICE)"},
        ],
        metricsOutputConfig={"roleArn": ROLE, "s3DataDestination": {"path": "s3://bucket/reports/"}},
    )["metricAttributionArn"]
    shown = personalize.list_metric_attribution_metrics(metricAttributionArn=attribution)["metrics"]
    assert [metric["metricName"] for metric in shown] == ["clicks", "turnover"]
    recommendation = account.runtime.get_recommendations(campaignArn=campaign, userId="u4")["recommendationId"]
    now = time.time()
    for event in (
        {"eventType": "Click", "itemId": "p1", "recommendationId": recommendation},
        {"eventType": "Click", "itemId": "p4", "recommendationId": recommendation},
        {"eventType": "Click", "itemId": "p4"},
        {
            "eventType": "Purchase",
            "itemId": "p4",
            "recommendationId": recommendation,
            "metricAttribution": {"eventAttributionSource": "newsletter"},
        },
        {"eventType": "View", "itemId": "p9"},
    ):
        account.events.put_events(
            trackingId=tracker["trackingId"], sessionId="s", userId="u4", eventList=[event | {"sentAt": now}]
        )
    told = account.emulator.metrics()
    by_source = {(one["metricName"], one["eventAttributionSource"]): one["value"] for one in told}
    assert by_source == {
        ("clicks", campaign): 2.0,
        ("clicks", "SOURCE_NAME_UNDEFINED"): 1.0,
        ("turnover", "newsletter"): 4.5,
    }
    rows = [{"USER_ID": "u1", "ITEM_ID": "p7", "TIMESTAMP": 1_719_511_760, "EVENT_TYPE": "Purchase"}]
    job = account.imported(
        datasets["interactions"], "more", rows, importMode="INCREMENTAL", publishAttributionMetricsToS3=True
    )
    assert job["status"] == "ACTIVE"
    [report] = account.objects("reports")
    head, line = account.download(f"reports/{report}").splitlines()
    assert head == "METRIC_NAME,EVENT_TYPE,VALUE,MATH_FUNCTION,EVENT_ATTRIBUTION_SOURCE,TIMESTAMP"
    assert line == "turnover,Purchase,7.5,sum,SOURCE_NAME_UNDEFINED,1719511200"
    personalize.update_metric_attribution(metricAttributionArn=attribution, removeMetrics=["clicks"])
    shown = personalize.list_metric_attribution_metrics(metricAttributionArn=attribution)["metrics"]
    assert [metric["metricName"] for metric in shown] == ["turnover"]
    personalize.delete_metric_attribution(metricAttributionArn=attribution)
    assert personalize.list_metric_attributions(datasetGroupArn=group)["metricAttributions"] == []


def _clean_up(account: Account, group: str, datasets: dict[str, str], campaigns: list[str], tracker: str) -> None:
    """As a notebook's last cells: nothing is left."""
    personalize = account.personalize
    [solution, *_] = [one["solutionArn"] for one in personalize.list_solutions(datasetGroupArn=group)["solutions"]]
    with pytest.raises(personalize.exceptions.ResourceInUseException):
        personalize.delete_dataset_group(datasetGroupArn=group)
    for campaign in campaigns:
        personalize.delete_campaign(campaignArn=campaign)
    for one in personalize.list_solutions(datasetGroupArn=group)["solutions"]:
        personalize.delete_solution(solutionArn=one["solutionArn"])
    assert personalize.list_solution_versions(solutionArn=solution)["solutionVersions"] == []
    personalize.delete_event_tracker(eventTrackerArn=tracker)
    for dataset in datasets.values():
        personalize.delete_dataset(datasetArn=dataset)
    personalize.delete_dataset_group(datasetGroupArn=group)
    with pytest.raises(personalize.exceptions.ResourceNotFoundException):
        personalize.describe_dataset_group(datasetGroupArn=group)
