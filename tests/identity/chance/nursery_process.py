"""`tests.faults.process.nursery_process`, with the stage's clock in every life it bears."""

from tests.faults.process.nursery_process import run
from tests.identity.chance.stage_clock import install

if __name__ == "__main__":
    install()
    run()
