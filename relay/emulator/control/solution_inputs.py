"""Inputs of the control plane about solutions, campaigns, recommenders and filters."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.control.inputs import Short, Tag
from relay.emulator.wire.decoding import Arn, Input, Name

Value = Annotated[str, Meta(max_length=1000)]
Parameters = Annotated[dict[Short, Value], Meta(max_length=100)]
Column = Annotated[str, Meta(max_length=150, pattern=r"^[A-Za-z_][A-Za-z\d_]*\Z")]
ExcludedColumns = Annotated[dict[Short, Annotated[list[Column], Meta(max_length=50)]], Meta(max_length=3)]


class IntegerRange(Input):
    """A hyperparameter that is a whole number."""

    name: Short | UnsetType = UNSET
    min_value: Annotated[int, Meta(ge=-1_000_000)] | UnsetType = UNSET
    max_value: Annotated[int, Meta(le=1_000_000)] | UnsetType = UNSET


class ContinuousRange(Input):
    """A hyperparameter that is a number."""

    name: Short | UnsetType = UNSET
    min_value: Annotated[float, Meta(ge=-1_000_000)] | UnsetType = UNSET
    max_value: Annotated[float, Meta(ge=-1_000_000)] | UnsetType = UNSET


class CategoricalRange(Input):
    """A hyperparameter that is one of several words."""

    name: Short | UnsetType = UNSET
    values: Annotated[list[Value], Meta(max_length=100)] | UnsetType = UNSET


class Ranges(Input):
    """Hyperparameters to try."""

    integer_hyper_parameter_ranges: Annotated[list[IntegerRange], Meta(max_length=100)] | UnsetType = UNSET
    continuous_hyper_parameter_ranges: Annotated[list[ContinuousRange], Meta(max_length=100)] | UnsetType = UNSET
    categorical_hyper_parameter_ranges: Annotated[list[CategoricalRange], Meta(max_length=100)] | UnsetType = UNSET


class HpoObjective(Input):
    """What hyperparameters are chosen for."""

    type: Short | UnsetType = UNSET
    metric_name: Short | UnsetType = UNSET
    metric_regex: Short | UnsetType = UNSET


class HpoResources(Input):
    """How much may be tried."""

    max_number_of_training_jobs: Short | UnsetType = UNSET
    max_parallel_training_jobs: Short | UnsetType = UNSET


class HpoConfig(Input):
    """How hyperparameters are chosen."""

    hpo_objective: HpoObjective | UnsetType = UNSET
    hpo_resource_config: HpoResources | UnsetType = UNSET
    algorithm_hyper_parameter_ranges: Ranges | UnsetType = UNSET


class AutoMlConfig(Input):
    """Which recipe is chosen."""

    metric_name: Short | UnsetType = UNSET
    recipe_list: Annotated[list[Arn], Meta(max_length=100)] | UnsetType = UNSET


class EventParameters(Input):
    """What an event type counts."""

    event_type: Short | UnsetType = UNSET
    event_value_threshold: float | UnsetType = UNSET
    weight: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET


class EventsConfig(Input):
    """What each event type counts."""

    event_parameters_list: Annotated[list[EventParameters], Meta(max_length=10)] | UnsetType = UNSET


class Objective(Input):
    """What else is to be reached beside relevance."""

    item_attribute: Annotated[str, Meta(min_length=1, max_length=150)] | UnsetType = UNSET
    objective_sensitivity: Literal["LOW", "MEDIUM", "HIGH", "OFF"] | UnsetType = UNSET


class TrainingData(Input):
    """Columns that are left out of training."""

    excluded_dataset_columns: ExcludedColumns | UnsetType = UNSET


class AutoTraining(Input):
    """How often a solution trains by itself."""

    scheduling_expression: (
        Annotated[str, Meta(min_length=1, max_length=16, pattern=r"^rate\(\d+ days?\)\Z")] | UnsetType
    ) = UNSET


class SolutionConfig(Input):
    """How a solution is trained."""

    event_value_threshold: Short | UnsetType = UNSET
    hpo_config: HpoConfig | UnsetType = UNSET
    algorithm_hyper_parameters: Parameters | UnsetType = UNSET
    feature_transformation_parameters: Parameters | UnsetType = UNSET
    auto_ml_config: AutoMlConfig | UnsetType = msgspec.field(name="autoMLConfig", default=UNSET)
    events_config: EventsConfig | UnsetType = UNSET
    optimization_objective: Objective | UnsetType = UNSET
    training_data_config: TrainingData | UnsetType = UNSET
    auto_training_config: AutoTraining | UnsetType = UNSET


class CreateSolution(Input):
    """Input of CreateSolution."""

    name: Name
    dataset_group_arn: Arn
    recipe_arn: Arn | UnsetType = UNSET
    perform_hpo: bool | UnsetType = msgspec.field(name="performHPO", default=UNSET)
    perform_auto_ml: bool | UnsetType = msgspec.field(name="performAutoML", default=UNSET)
    perform_auto_training: bool | UnsetType = UNSET
    event_type: Short | UnsetType = UNSET
    solution_config: SolutionConfig | UnsetType = UNSET
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class SolutionUpdate(Input):
    """What may change of a solution."""

    auto_training_config: AutoTraining | UnsetType = UNSET
    events_config: EventsConfig | UnsetType = UNSET


class UpdateSolution(Input):
    """Input of UpdateSolution."""

    solution_arn: Arn
    perform_auto_training: bool | UnsetType = UNSET
    solution_update_config: SolutionUpdate | UnsetType = UNSET


class CreateSolutionVersion(Input):
    """Input of CreateSolutionVersion."""

    solution_arn: Arn
    name: Name | UnsetType = UNSET
    training_mode: Literal["FULL", "UPDATE", "AUTOTRAIN"] = "FULL"
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class CampaignConfig(Input):
    """How a campaign recommends."""

    item_exploration_config: Parameters | UnsetType = UNSET
    enable_metadata_with_recommendations: bool | UnsetType = UNSET
    sync_with_latest_solution_version: bool | UnsetType = UNSET


class CreateCampaign(Input):
    """Input of CreateCampaign."""

    name: Name
    solution_version_arn: Arn
    min_provisioned_tps: Annotated[int, Meta(ge=1)] | UnsetType = msgspec.field(name="minProvisionedTPS", default=UNSET)
    campaign_config: CampaignConfig | UnsetType = UNSET
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class UpdateCampaign(Input):
    """Input of UpdateCampaign."""

    campaign_arn: Arn
    solution_version_arn: Arn | UnsetType = UNSET
    min_provisioned_tps: Annotated[int, Meta(ge=1)] | UnsetType = msgspec.field(name="minProvisionedTPS", default=UNSET)
    campaign_config: CampaignConfig | UnsetType = UNSET


class RecommenderConfig(Input):
    """How a recommender recommends."""

    item_exploration_config: Parameters | UnsetType = UNSET
    min_recommendation_requests_per_second: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    training_data_config: TrainingData | UnsetType = UNSET
    enable_metadata_with_recommendations: bool | UnsetType = UNSET


class CreateRecommender(Input):
    """Input of CreateRecommender."""

    name: Name
    dataset_group_arn: Arn
    recipe_arn: Arn
    recommender_config: RecommenderConfig | UnsetType = UNSET
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class UpdateRecommender(Input):
    """Input of UpdateRecommender."""

    recommender_arn: Arn
    recommender_config: RecommenderConfig


class CreateFilter(Input):
    """Input of CreateFilter."""

    name: Name
    dataset_group_arn: Arn
    filter_expression: Annotated[str, Meta(min_length=1, max_length=2500)]
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])
