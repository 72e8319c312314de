"""What all tests share: how hypothesis draws."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "hiersim",
    deadline=None,  # the first example of a process may compile
    derandomize=True,  # the same examples in every run
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("hiersim")
