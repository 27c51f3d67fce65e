"""Visitors that are no people, by what they call themselves. HTTP libraries are none: a backend may use one.

Names are those their makers document; a new one goes into its group. Only who calls itself so is found: the rest is for
`navigator.webdriver`, which the snippet looks at, and for rate limits.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final


class BotKind(StrEnum):
    """What kind of visitor; the label `cause` of `relay_beacons_ignored_total`."""

    HEADLESS = "headless"
    """A browser without a screen, for tests and measurements."""
    PREVIEW = "preview"
    """Looks at a link that somebody has posted."""
    PREFETCH = "prefetch"
    """Fetches a page before anybody asks for it."""
    CRAWLER = "crawler"
    """Reads pages for a search engine, a model or an audit."""


_NAMES: Final = {
    BotKind.HEADLESS: (
        "HeadlessChrome PhantomJS SlimerJS Chrome-Lighthouse PTST/ Speedcurve GTmetrix PingdomPageSpeed"
        " PingdomTMS Rigor DatadogSynthetics Datadog/Synthetics Catchpoint Checkly Dotcom-Monitor Site24x7"
        " NewRelicSynthetics Electron/headless Prerender Rendertron jsdom/ HappyDOM"
    ),
    BotKind.PREVIEW: (
        "facebookexternalhit facebookcatalog meta-externalagent meta-externalfetcher Twitterbot LinkedInBot Slackbot"
        " Slack-ImgProxy Discordbot TelegramBot WhatsApp/ Viber SkypeUriPreview Pinterestbot redditbot Embedly"
        " Iframely vkShare Mastodon/ Bluesky Tumblr/ XING-contenttabreceiver BitlyBot Google-PageRenderer"
        " GoogleImageProxy YahooMailProxy Outlook-iOS-LinkPreview MicrosoftPreview Snapchat-URL-Preview"
    ),
    BotKind.PREFETCH: (
        "CloudFlare-Prefetch Google-Prefetch PrefetchProxy Mediapartners-Google Google-Read-Aloud FeedFetcher-Google"
        " Google-InspectionTool GoogleOther Google-Safety Google-Adwords-Instant AdsBot-Google DuckAssistBot"
        " Barracuda mimecast proofpoint Symantec-Web Trend-Micro-URL"
    ),
    BotKind.CRAWLER: (
        "Googlebot Storebot-Google Google-CloudVertexBot Google-Extended APIs-Google bingbot BingPreview adidxbot"
        " msnbot Slurp DuckDuckBot Baiduspider YandexBot YandexImages YandexMobileBot YandexRenderResourcesBot"
        " SeznamBot Sogou PetalBot Applebot Yeti/ Naverbot Qwantify Qwantbot coccocbot Exabot MojeekBot archive.org_bot"
        " ia_archiver CCBot GPTBot OAI-SearchBot ChatGPT-User ClaudeBot Claude-Web Claude-User Claude-SearchBot"
        " anthropic-ai PerplexityBot Perplexity-User Bytespider Amazonbot cohere-ai YouBot Diffbot ImagesiftBot"
        " Timpibot omgili AhrefsBot AhrefsSiteAudit SemrushBot SiteAuditBot MJ12bot DotBot rogerbot BLEXBot"
        " DataForSeoBot serpstatbot SEOkicks sistrix Screaming\\ Frog SiteSucker HTTrack BUbiNG Nutch heritrix"
        " UptimeRobot Pingdom.com_bot StatusCake BetterUptime Uptime-Kuma GoogleHypersonic W3C_Validator"
        " W3C-checklink Nessus Nikto Qualys Acunetix Detectify Censys zgrab CriteoBot GrapeshotCrawler proximic"
        " TTD-Content IAS-crawler peer39_crawler"
    ),
}
_GENERIC: Final = r"(?<!cu)bot\b|crawler\b|spider\b"
"""Nearly all the others end so; a CUBOT is a telephone."""


def _pattern(names: str) -> str:
    return "|".join(re.escape(name.replace("\0", " ")) for name in names.replace("\\ ", "\0").split())


_PATTERN: Final = re.compile(
    "|".join(f"(?P<{kind.value}>{_pattern(names)})" for kind, names in _NAMES.items()) + f"|(?P<other>{_GENERIC})",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def bot_kind(user_agent: bytes) -> BotKind | None:
    """What kind of no person a `User-Agent` says it is; None for people, and for who says nothing."""
    found = _PATTERN.search(user_agent[:1024].decode("latin-1"))
    if found is None:
        return None
    return BotKind.CRAWLER if found.lastgroup == "other" else BotKind(str(found.lastgroup))
