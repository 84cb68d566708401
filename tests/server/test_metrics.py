"""What `/metrics` says of viewers' links."""

import numpy as np

from server.metrics import LINKS, Metrics


def test_viewers_links_are_histograms_of_now() -> None:
    metrics = Metrics()
    links = {name: np.empty(0) for name in LINKS} | {"estimate_bps": np.array([90_000.0, 500_000.0, 9e6])}
    metrics.watch_links(lambda: links)
    lines = metrics.text().decode().splitlines()
    assert 'livetrial_viewer_estimate_bps_bucket{le="100000.0"} 1.0' in lines
    assert 'livetrial_viewer_estimate_bps_bucket{le="800000.0"} 2.0' in lines
    assert 'livetrial_viewer_estimate_bps_bucket{le="+Inf"} 3.0' in lines
    assert 'livetrial_viewer_loss_bucket{le="+Inf"} 0.0' in lines
