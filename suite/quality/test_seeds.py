"""How much a model owes to its seed: `--seeds K` trains each K times."""


def test_seed(model, task, seed, trained, dataset):
    run = trained(model).seed_run(task, seed)
    assert run.evaluation.n == len(run.evaluation.predictions) == len(dataset.test)
    assert run.fit.seed == seed
