"""One room per capability; each registers itself through `ide_agent.hooks`."""
