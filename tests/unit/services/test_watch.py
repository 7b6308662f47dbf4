from services.watch import Watch
from twin.events import ComponentChanged


def change(component: str, state: str, restarts: int = 0) -> ComponentChanged:
    return ComponentChanged(
        component=component,
        at_unix_s=0.0,
        state=state,
        restarts=restarts,
        model_id="m",
        reason="killed",
    )


def test_what_is_down_and_what_was_restarted_is_told() -> None:
    watch = Watch()
    for event in (change("stem", "ready"), change("knn", "failed"), change("svm", "ready", 2)):
        watch(event)
    assert watch.complaints() == ["knn is failed: killed", "svm was restarted 2 time(s)"]
    assert watch.restarts() == {"svm": 2}


def test_a_component_that_recovered_is_not_called_down() -> None:
    watch = Watch()
    watch(change("knn", "failed"))
    watch(change("knn", "ready", 1))
    assert watch.complaints() == ["knn was restarted 1 time(s)"]


def test_changes_are_passed_on() -> None:
    seen: list[ComponentChanged] = []
    watch = Watch(forward=seen.append)
    watch(change("stem", "ready"))
    assert [event.component for event in seen] == ["stem"]


def test_restarts_are_counted_for_one_log_at_a_time() -> None:
    watch = Watch()
    watch(change("svm", "ready", 2))
    watch.begin()
    assert (watch.restarts(), watch.complaints()) == ({}, [])
    watch(change("svm", "ready", 3))
    watch(change("knn", "ready", 1))
    assert watch.restarts() == {"svm": 1, "knn": 1}
