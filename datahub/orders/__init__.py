"""Orders themselves: life cycle, amounts, intake, snapshots. Exports of them live in datahub.jobs."""
