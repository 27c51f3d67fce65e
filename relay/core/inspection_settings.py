"""What settings say of tokens besides the keys, where they say it: no relay need be able to run with them."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from relay.core import setting_values as values
from relay.core.settings import Site, TokenSettings


class InspectionSettings(TokenSettings):
    """What tells whether a relay with these settings takes a token."""

    sites: dict[str, Site] = Field(default_factory=dict)
    tracking_id: str | None = None
    site_tokens_not_before: Annotated[int | None, BeforeValidator(values.moment_s)] = None
    server_tokens_not_before: Annotated[int | None, BeforeValidator(values.moment_s)] = None
    jwt_jwks: Annotated[str | None, AfterValidator(values.jwks)] = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_claim: Annotated[str, Field(min_length=1)] = "sub"

    def known_sites(self) -> tuple[str, ...]:
        """Every site the settings name; none where they say nothing of sites, as on a machine that only mints."""
        return (*self.sites, *([self.site] if self.tracking_id is not None else []))
