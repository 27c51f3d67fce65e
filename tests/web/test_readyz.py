"""`/readyz` of a relay whose events do not get through: everything for the operator, nothing secret for strangers."""

from tests.support.emulator import running_emulator
from tests.support.relay import running_relay, until

TRACKING_ID = "99999999-8888-4777-8666-555555555555"


async def test_strangers_read_the_site_and_the_cause_operators_the_tracking_id_and_the_message() -> None:
    async with running_emulator() as emulator:
        env = {**emulator.env, "AWS_SECRET_ACCESS_KEY": "not the emulator's"}
        async with running_relay(env=env, tracking_id=TRACKING_ID, drain_s="0.2") as relay:
            await relay.send({"eventType": "Click", "itemId": "p1"})

            async def problems(url: str) -> list[str]:
                lines: list[str] = (await relay.http.get(f"{url}/readyz")).json()["problems"]
                return lines

            await until(lambda: bool(relay.relay.dispatcher.problems()))
            (public,) = await problems(relay.url)
            (admin,) = await problems(relay.admin_url)
    assert public.startswith("no delivery to default for ")
    assert public.endswith("(credentials: InvalidSignatureException)")
    assert TRACKING_ID not in public
    assert admin.startswith(f"no delivery to {TRACKING_ID} for ")
    assert "(credentials: InvalidSignatureException): " in admin
