"""Every model answers for every test example, on every task it has."""


def test_every_test_example_has_a_prediction(model, task, trained, dataset):
    evaluation = trained(model).evaluation(task)
    assert evaluation.n == len(evaluation.predictions) == len(dataset.test)


def test_the_training_data_is_the_session_s(model, task, trained, dataset):
    assert trained(model).on(task).fit.data_digest == dataset.digest
