"""An episode as observations for the estimators: features and return of each of its decisions.

In:  an episode; what was believed of its decisions.
Out: their features, their returns; weights that learned from it.
"""

from collections.abc import Sequence

from purpose_agent.core.values import Episode
from purpose_agent.memory.linear import Weights
from purpose_agent.memory.options import features_of, moment_of
from purpose_agent.memory.returns import returns


def features_in(episode: Episode) -> list[tuple[str, ...]]:
    """Of each decision, as it was seen then."""
    steps, goal, apart = episode.steps, episode.goal, episode.apart
    moments = [
        moment_of(goal, step.situation, step.options, () if apart else steps[:number], single=apart)
        for number, step in enumerate(steps)
    ]
    return [features_of(step.option, moment) for step, moment in zip(steps, moments, strict=True)]


def returns_in(episode: Episode, believed: Sequence[float] | None = None) -> list[float]:
    """Of each decision.

    Args:
        believed: What stands for the rest of a very long episode; None: the rest counts nothing, and all is its own word.
    """
    rewards = [step.reward + step.shaping for step in episode.steps]
    return rewards if episode.apart else returns(rewards, believed or [0.0] * len(rewards))


def taught_by(episode: Episode, weights: Weights) -> float:
    """Learn from an episode; how far it was from what was believed, at most, in units of reward."""
    features = features_in(episode)
    believed = [weights.predict(each)[0] for each in features]
    told = returns_in(episode, believed)
    # From the end, so that a decision is learned after what it led to.
    for each, value in reversed(list(zip(features, told, strict=True))):
        weights.learn(each, value, episode.run_id)
    return max((abs(one - other) for one, other in zip(believed, told, strict=True)), default=0.0)
