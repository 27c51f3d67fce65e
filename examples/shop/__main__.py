"""`python examples/shop`: the shop as a process. `personalize-relay demo` runs exactly this."""

import click
import uvicorn

from shop import ShopSettings, create_app


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8083, show_default=True, type=click.IntRange(1, 65535))
@click.option("--relay", "relay_url", default="http://127.0.0.1:8080", show_default=True, help="The relay's address.")
@click.option("--emulator", "emulator_url", default="http://127.0.0.1:8082", show_default=True, help="For the strip.")
@click.option("--campaign-arn", required=True, help="Whom to ask for recommendations.")
@click.option("--items-dataset-arn", help="Where to put the catalogue at the start.")
@click.option("--site", default="default", envvar="RELAY_SITE", show_default=True)
@click.option("--secret-keys", required=True, envvar="RELAY_SECRET_KEYS", help="As the relay's.")
@click.option("--debug", is_flag=True, envvar="SHOP_DEBUG", help="data-debug on the script tag.")
def main(*, host: str, port: int, secret_keys: str, **settings: str) -> None:
    """Run the shop. Credentials and endpoints of AWS come from the ordinary AWS variables."""
    app = create_app(ShopSettings(secret_key=secret_keys.split(",", 1)[0].strip(), **settings))  # type: ignore[arg-type]  # click has checked them
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main()
