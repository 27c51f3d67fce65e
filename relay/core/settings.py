"""What can be set, each with its default, bounds and meaning; docs/reference/settings.md is made of this file.

`relay.core.settings_loading` reads it. Secrets never show in `repr` or in a problem.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from relay.core import setting_values as values
from relay.core.setting_values import Network, Rate

PREFIX: Final = "RELAY_"

_TextList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(values.split_list)]
_NameList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(values.names)]
_OptionalRate = Annotated[Rate | None, BeforeValidator(values.rate), NoDecode]
_Seconds = Annotated[float, Field(ge=0, le=10 * 365 * 86400, allow_inf_nan=False)]
_Port = Annotated[int, Field(ge=0, le=65535)]
_SiteName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
_SpoolUrl = Annotated[str, AfterValidator(values.spool_url)]


def _iam(chosen: bool, info: ValidationInfo) -> bool:
    if chosen and "spool_url" in info.data:
        values.iam_database(info.data["spool_url"])
    return chosen


_SpoolIam = Annotated[bool, AfterValidator(_iam)]
_Moment = Annotated[int | None, BeforeValidator(values.moment_s)]


def _of_a_dataset(tracking_id: str, info: ValidationInfo) -> str:
    if tracking_id == info.data.get("tracking_id"):
        raise ValueError("is the event tracker's; `setup` prints that of the dataset of action interactions")
    return tracking_id


_DatasetTrackingId = Annotated[str, AfterValidator(values.tracking_id), AfterValidator(_of_a_dataset)]


class Site(BaseModel):
    """One website: where its events go, and who may send them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tracking_id: Annotated[str, AfterValidator(values.tracking_id)]
    """The event tracker's tracking id."""
    allowed_origins: _TextList
    """Exact origins of its pages."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None = None
    """Of the event tracker; without it the region of the AWS settings."""
    event_types: _TextList | None = None
    """If given, no other type is taken (`unknown_event_type`)."""
    linger_s: _Seconds | None = None
    """In place of `RELAY_LINGER_S`."""
    action_interactions_tracking_id: _DatasetTrackingId | None = None
    """Of the dataset of action interactions; `setup` prints it. Not that of the event tracker."""
    tokens_not_before: _Moment = None
    """Site tokens of this site made before this moment (Unix seconds) are refused."""

    @field_validator("allowed_origins")
    @classmethod
    def _exact_origins(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        # Whether `*` may stand here depends on RELAY_DEV: Settings checks it.
        return tuple(sorted(values.origins(texts, any_origin=True)))


class TokenSettings(BaseSettings):
    """What it takes to mint and look at tokens: less than to serve."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_prefix=PREFIX, env_ignore_empty=True, hide_input_in_errors=True
    )

    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(values.split_list)]
    """Required. Comma-separated, each of 32 characters or more; the first signs, all verify."""
    site: _SiteName = "default"
    """Name inside the site token."""
    token_leeway_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 60.0
    """How far clocks of other hosts may be off."""
    identity_max_age_s: _Seconds = 86400.0
    """An identity token ends after so many seconds, whatever it says itself."""

    @field_validator("secret_keys")
    @classmethod
    def _keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        values.secret_keys([key.get_secret_value() for key in keys])
        return keys

    def keys(self) -> tuple[str, ...]:
        """The secret keys themselves, the signing one first."""
        return tuple(key.get_secret_value() for key in self.secret_keys)


class SpoolSettings(BaseSettings):
    """What it takes to find the spool."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_prefix=PREFIX, env_ignore_empty=True, hide_input_in_errors=True
    )

    spool_url: _SpoolUrl = "sqlite:///relay-spool.db"
    """`sqlite:///PATH`, `postgresql://…` (shared by any number of relays; extra `postgres`), or `memory:` for tests."""
    spool_iam: _SpoolIam = False
    """The password of the shared spool is a token of AWS IAM (RDS, Aurora), made anew for each connection."""


class AdminSettings(BaseSettings):
    """What it takes to ask a running relay's admin listener."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_prefix=PREFIX, env_ignore_empty=True, hide_input_in_errors=True
    )

    admin_host: str = "127.0.0.1"
    """Where it listens."""
    admin_port: _Port = 8081
    """And at which port."""
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(values.split_list)] = ()
    """A token with the scope `admin` is made with the first, where there is one."""
    site: _SiteName = "default"
    """The site of that token."""


class Settings(TokenSettings):
    """How this relay runs. Field `port` is the variable `RELAY_PORT` and the key `port` in `relay.toml`."""

    model_config = SettingsConfigDict(extra="forbid")

    dev: bool = False
    """Your own machine: `*` is a permitted origin."""
    sites: dict[_SiteName, Site] = {}
    """The tables `[sites.NAME]`; `all_sites` has the one of the variables too."""
    tracking_id: str | None = Field(default=None, validate_default=True)
    """Required, unless there are `[sites.NAME]`. The event tracker's tracking id; an ARN is refused."""
    allowed_origins: _TextList | None = Field(default=None, validate_default=True)
    """Required with a tracking id. Comma-separated exact origins; `*` is refused unless `RELAY_DEV=1`."""
    event_types: _TextList | None = None
    """Comma-separated; if given, no other type is taken (`unknown_event_type`)."""
    action_interactions_tracking_id: _DatasetTrackingId | None = None
    """Where `POST /api/v1/action-interactions` sends to: the tracking id of the dataset of action interactions, which
    `setup` prints, not the event tracker's. Unset: each request names it."""
    site_tokens_not_before: _Moment = None
    """Revokes every site token made before (Unix seconds, or an ISO 8601 time)."""
    server_tokens_not_before: _Moment = None
    """Revokes every server token made before (Unix seconds, or an ISO 8601 time)."""
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address of the public listener."""
    port: _Port = 8080
    """Its port; 0 for a free one."""
    admin_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address of the admin listener: metrics and the pages for people, never on the public one."""
    admin_port: _Port = 8081
    """Its port."""
    prefix: Annotated[str, AfterValidator(values.prefix)] = "/r"
    """Path prefix of the public endpoints; `/` for none."""
    spool_url: _SpoolUrl = "sqlite:///relay-spool.db"
    """`sqlite:///PATH`, `postgresql://…` (shared by any number of relays; extra `postgres`), or `memory:` for tests."""
    spool_iam: _SpoolIam = False
    """The password of the shared spool is a token of AWS IAM (RDS, Aurora), made anew for each connection."""
    spool_pooled: bool = False
    """A pooler in transaction mode (PgBouncer) stands before the shared spool: no prepared statements, and other
    relays are looked at each second instead of listened to."""
    spool_max_bytes: Annotated[int, Field(ge=1 << 20)] = 1 << 30
    """Past it: 503 with `Retry-After`; nothing is thrown away."""
    archive_bytes: Annotated[int, Field(ge=0)] = 0
    """Most bytes of delivered events kept beside the spool, the newest; 0 for none."""
    buried_max_bytes: Annotated[int, Field(ge=0)] | None = None
    """Past this, by default a quarter of `RELAY_SPOOL_MAX_BYTES`, buried events are discarded, those of the source
    (address or session) with most of them first, counted and logged."""
    buried_warn_records: Annotated[int, Field(ge=0)] = 10_000
    """Over this many buried records `/readyz` (still 200) and the log warn."""
    buried_warn_bytes: Annotated[int, Field(ge=0)] = 64 << 20
    """Over this many bytes of them."""
    buried_warn_age_s: _Seconds = 7 * 86400.0
    """And when the oldest has been buried for longer than this."""
    sink: Annotated[str, AfterValidator(values.sink)] = "personalize"
    """`personalize`, or `jsonl:PATH`."""
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    """Processes that make the calls of `personalize`; 0: the relay's own does. `serve --workers` is the same."""
    linger_s: _Seconds = 0.0
    """Least time an event waits for company; 0: at once, one call in flight a session."""
    max_linger_s: _Seconds = 30.0
    """Most an event may be held back to fill calls while calls come near the quota or a backlog exists."""
    put_events_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1000.0
    """The dataset group's quota of calls a second."""
    max_in_flight: Annotated[int, Field(ge=1, le=1000)] = 32
    """Calls at once."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=4 << 20)] = 65536
    """Longest beacon."""
    max_event_age_s: _Seconds = 30 * 86400.0
    """Older events are `bad_time`."""
    drain_s: _Seconds = 20.0
    """How long SIGTERM may take."""
    binding_ttl_s: _Seconds = 86400.0
    """How long a session stays bound to its user after its last use."""
    link_after_s: _Seconds | None = None
    """After a login no delivered event has linked to the anonymous session, repeat its last event with the user."""
    jwt_jwks: Annotated[str | None, AfterValidator(values.jwks)] = None
    """Path or URL of the keys of the site's own JWTs, which then are identity tokens too. Needs the extra `jwt`."""
    jwt_issuer: str | None = Field(default=None, validate_default=True)
    """Required with `RELAY_JWT_JWKS`: the `iss` they have."""
    jwt_audience: str | None = Field(default=None, validate_default=True)
    """Required with `RELAY_JWT_JWKS`: the `aud` they have."""
    jwt_claim: Annotated[str, Field(min_length=1)] = "sub"
    """Which claim is the user id."""
    identity_cookie: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$")] | None = None
    """Also read the identity token from this cookie."""
    forward_impressions: bool = False
    """The printed script tag lets the snippet send impressions nobody acted on, as events of type `Impression`."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    """Networks (CIDR) whose word on the client's address counts."""
    client_ip_header: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$")] | None = None
    """The one header in which they say it."""
    proxy_secret: Annotated[SecretStr | None, AfterValidator(values.proxy_secret)] = None
    """`Header: value[, value]` that the CDN adds to every request (two while it is changed). Without it the public
    listener answers 503, and `/readyz` says so; `/healthz` and `/readyz` are exempt."""
    rate_limit_ip: _OptionalRate = Rate(50)
    """Events of one address (IPv6: /64), with a burst of ten seconds; `600/min`, `100/h`, or `off`. An event of more
    than 2 KiB counts as several; a /48 has sixteen times as much."""
    rate_limit_session: _OptionalRate = Rate(20)
    """Events of one session, the same."""
    rate_limit_site: _OptionalRate = None
    """Events of one site, the same; off by default."""
    bots: Literal["drop", "mark", "keep"] = "drop"
    """Beacons of known crawlers, link previewers, prefetchers and headless browsers: `drop` (202, `"ignored"`,
    counted), `mark` (delivered, counted) or `keep`. HTTP libraries and the server API are no bots; `RELAY_DEV=1` keeps
    all."""
    trace: Annotated[Literal["otlp"] | None, AfterValidator(values.trace)] = None
    """`otlp`: OpenTelemetry traces of beacons and calls, by the ordinary `OTEL_…` variables. Needs the extra `otel`."""
    gpc: Literal["ignore", "anonymous", "off"] = "ignore"
    """What `Sec-GPC: 1` on a beacon means beside the page's own `data-gpc`: `ignore` (the page decides), `anonymous`
    (no binding is used or made), `off` (202, `"ignored"`)."""
    properties_allow: _NameList | None = None
    """Comma-separated names of top-level properties, in any case; no others enter the spool (`denied`), by no way."""
    properties_deny: _NameList | None = None
    """Comma-separated names of top-level properties, in any case, that never enter the spool (`denied`)."""
    admin_hosts: _TextList | None = None
    """Comma-separated host names the admin listener answers to, without port; unset: its own address and
    `localhost`."""
    admin_show_users: bool = False
    """Whether the pages of the admin listener show user ids."""

    @field_validator("sites")
    @classmethod
    def _sites(cls, sites: dict[str, Site], info: ValidationInfo) -> dict[str, Site]:
        for name, site in sites.items():
            try:
                values.origins(site.allowed_origins, any_origin=info.data.get("dev", False))
            except ValueError as error:
                raise ValueError(f"{name}: allowed_origins: {error}") from None
        return sites

    @field_validator("tracking_id")
    @classmethod
    def _tracking_id(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is not None:
            if info.data.get("site") in info.data.get("sites", {}):
                raise ValueError(f"[sites.{info.data['site']}] says it too; keep one of them")
            return values.tracking_id(text)
        if info.data.get("sites", True):
            return None
        raise ValueError("is required: the tracking id of the event tracker, a UUID (not its ARN)")

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, texts: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if texts is not None:
            return tuple(sorted(values.origins(texts, any_origin=info.data.get("dev", False))))
        if info.data.get("sites", True) and not info.data.get("tracking_id"):
            return None
        raise ValueError("is required: the origins of the pages, such as https://shop.example, with commas between")

    @field_validator("max_linger_s")
    @classmethod
    def _linger(cls, seconds: float, info: ValidationInfo) -> float:
        if seconds < info.data.get("linger_s", 0.0):
            raise ValueError("is less than RELAY_LINGER_S; make it as long or longer")
        for name, site in info.data.get("sites", {}).items():
            if site.linger_s is not None and seconds < site.linger_s:
                raise ValueError(f"is less than linger_s of [sites.{name}]; make it as long or longer")
        return seconds

    @field_validator("archive_bytes")
    @classmethod
    def _archive(cls, size: int, info: ValidationInfo) -> int:
        if 0 < size < 1 << 20:
            raise ValueError("is too small; 1048576 or more, or 0 for no archive")
        if size and info.data.get("spool_url") == "memory:":
            raise ValueError("needs a spool on disk; set RELAY_SPOOL_URL, or leave it out")
        return size

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _proxies(cls, value: object) -> object:
        return values.networks(str(value).split(",")) if isinstance(value, str) else value

    @field_validator("client_ip_header")
    @classmethod
    def _header(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and info.data.get("trusted_proxies") == ():
            raise ValueError("is believed only from RELAY_TRUSTED_PROXIES; name the proxies' networks there")
        return name

    @field_validator("jwt_issuer", "jwt_audience")
    @classmethod
    def _jwt(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is None and info.data.get("jwt_jwks"):
            raise ValueError("is required with RELAY_JWT_JWKS: else a token made for something else would do")
        return text

    def all_sites(self) -> Mapping[str, Site]:
        """Every site by its name, the one of the variables among them."""
        if self.tracking_id is None:
            return self.sites
        own = Site.model_construct(
            tracking_id=self.tracking_id,
            allowed_origins=self.allowed_origins or (),
            event_types=self.event_types,
            action_interactions_tracking_id=self.action_interactions_tracking_id,
        )
        return {**self.sites, self.site: own}
