"""The service's recipes: their names as ListRecipes gives them, and what each asks of the emulator's one model."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

Style = Literal["personal", "popular", "trending", "related", "ranking", "actions", "item-affinity", "attributes"]


class Recipe(NamedTuple):
    """A recipe."""

    name: str
    kind: str
    """`recipeType` on the wire."""
    style: Style
    domain: str | None = None
    event_type: str | None = None
    """Only events of this type count, in lower case."""
    hides: str | None = None
    """Items of the visitor's events of this type, in lower case, are left out."""

    @property
    def arn(self) -> str:
        """Its ARN: of no region and no account."""
        return f"arn:aws:personalize:::recipe/{self.name}"

    @property
    def algorithm_arn(self) -> str:
        """Of its algorithm."""
        return f"arn:aws:personalize:::algorithm/{self.name}"

    @property
    def transformation_arn(self) -> str:
        """Of its feature transformation."""
        return f"arn:aws:personalize:::feature-transformation/{self.name}"


_PERSONAL: Final = "USER_PERSONALIZATION"
_RELATED: Final = "RELATED_ITEMS"
_RANKING: Final = "PERSONALIZED_RANKING"
_SEGMENTS: Final = "USER_SEGMENTATION"
_SHOP: Final = "ECOMMERCE"
_VIDEO: Final = "VIDEO_ON_DEMAND"

RECIPES: Final = (
    Recipe("aws-user-personalization-v2", _PERSONAL, "personal"),
    Recipe("aws-user-personalization", _PERSONAL, "personal"),
    Recipe("aws-hrnn", _PERSONAL, "personal"),
    Recipe("aws-hrnn-metadata", _PERSONAL, "personal"),
    Recipe("aws-hrnn-coldstart", _PERSONAL, "personal"),
    Recipe("aws-popularity-count", _PERSONAL, "popular"),
    Recipe("aws-trending-now", "TRENDING_NOW", "trending"),
    Recipe("aws-personalized-ranking-v2", _RANKING, "ranking"),
    Recipe("aws-personalized-ranking", _RANKING, "ranking"),
    Recipe("aws-similar-items", _RELATED, "related"),
    Recipe("aws-sims", _RELATED, "related"),
    Recipe("aws-next-best-action", "PERSONALIZED_ACTIONS", "actions"),
    Recipe("aws-item-affinity", _SEGMENTS, "item-affinity"),
    Recipe("aws-item-attribute-affinity", _SEGMENTS, "attributes"),
    Recipe("aws-ecomm-popular-items-by-purchases", _PERSONAL, "popular", _SHOP, "purchase"),
    Recipe("aws-ecomm-popular-items-by-views", _PERSONAL, "popular", _SHOP, "view"),
    Recipe("aws-ecomm-frequently-bought-together", _RELATED, "related", _SHOP, "purchase"),
    Recipe("aws-ecomm-customers-who-viewed-x-also-viewed", _RELATED, "related", _SHOP, "view", hides="purchase"),
    Recipe("aws-ecomm-recommended-for-you", _PERSONAL, "personal", _SHOP, hides="purchase"),
    Recipe("aws-vod-most-popular", _PERSONAL, "popular", _VIDEO, "watch"),
    Recipe("aws-vod-trending-now", "TRENDING_NOW", "trending", _VIDEO),
    Recipe("aws-vod-because-you-watched-x", _RELATED, "related", _VIDEO, "watch", hides="watch"),
    Recipe("aws-vod-more-like-x", _RELATED, "related", _VIDEO, hides="watch"),
    Recipe("aws-vod-top-picks", _PERSONAL, "personal", _VIDEO, hides="watch"),
)
"""All of them, in the order of lists."""

_BY_ARN: Final[Mapping[str, Recipe]] = {recipe.arn: recipe for recipe in RECIPES}
_CREATED_S: Final = 1_527_811_200
"""2018-06-01: the service's own resources are older than every account."""

_DATES: Final = {"creationDateTime": _CREATED_S, "lastUpdatedDateTime": _CREATED_S}


def find_recipe(arn: str) -> Recipe | None:
    """The recipe of an ARN."""
    return _BY_ARN.get(arn)


def summarized_recipe(recipe: Recipe) -> dict[str, Any]:
    """As ListRecipes shows it."""
    view: dict[str, Any] = {"name": recipe.name, "recipeArn": recipe.arn, "status": "ACTIVE", **_DATES}
    return view | ({"domain": recipe.domain} if recipe.domain else {})


def described_recipe(recipe: Recipe) -> dict[str, Any]:
    """As DescribeRecipe shows it."""
    return summarized_recipe(recipe) | {
        "algorithmArn": recipe.algorithm_arn,
        "featureTransformationArn": recipe.transformation_arn,
        "description": f"The emulator's model, in the style '{recipe.style}'.",
        "recipeType": recipe.kind,
    }


def described_algorithm(arn: str) -> dict[str, Any] | None:
    """As DescribeAlgorithm shows it; None when there is no such algorithm."""
    for recipe in RECIPES:
        if recipe.algorithm_arn == arn:
            return {
                "name": recipe.name,
                "algorithmArn": arn,
                "defaultHyperParameters": {},
                "trainingInputMode": "File",
                **_DATES,
            }
    return None


def described_transformation(arn: str) -> dict[str, Any] | None:
    """As DescribeFeatureTransformation shows it; None when there is none such."""
    for recipe in RECIPES:
        if recipe.transformation_arn == arn:
            return {
                "name": recipe.name,
                "featureTransformationArn": arn,
                "defaultParameters": {},
                "status": "ACTIVE",
                **_DATES,
            }
    return None
