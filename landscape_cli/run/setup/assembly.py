"""The assembly of a rank's evaluator."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from landscape_cli.config.defaults import recalibrates
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError, some
from landscape_cli.evaluation import Evaluator, SplitData
from landscape_cli.evaluation.batch_norm import Recalibration, batch_norms, training_samples
from landscape_cli.evaluation.checks.quantizable import quantizer_for
from landscape_cli.evaluation.data.subsets import subset
from landscape_cli.evaluation.devices import default_micro_batch
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.measures import measures_from
from landscape_cli.evaluation.measures.base import PointMeasure
from landscape_cli.evaluation.measures.point_measures import Key, PointMeasures
from landscape_cli.geometry.quantization import Quantizer
from landscape_cli.geometry.slices.base import Slice
from landscape_cli.problems.problem import Problem
from landscape_cli.run.setup.problem_setup import PreparedProblem
from landscape_cli.run.setup.sample_choice import Sources


def assemble_evaluator(
    prepared: PreparedProblem,
    slice_: Slice,
    settings: Settings,
    rank: int,
    config: RunConfig,
    sources: Sources,
) -> Evaluator:
    """Assemble a rank's evaluator, on data that is loaded later."""
    problem, device = prepared.problem, prepared.device
    measures = _measures(config, prepared, sources, slice_.own_states)
    own_samples = _own_samples(measures, prepared, sources, config)
    recalibration = _recalibration(problem, device, config)
    splits = {
        name: SplitData(name, source, settings.micro_batch, device)
        for name, source in sources.items()
    }
    return Evaluator(
        problem.model,
        prepared.parameters,
        slice_,
        prepared.passes or problem.objective,
        splits,
        settings,
        rank,
        recalibration,
        PointMeasures(measures, own_samples, len(config.grid)),
        _quantizer(prepared, slice_, config),
    )


def _measures(
    config: RunConfig, prepared: PreparedProblem, sources: Sources, own_states: bool
) -> list[PointMeasure]:
    """Return the measures of the configuration, and refuse those that do not suit this run."""
    measures = measures_from(config.measures)
    parameters = dict(prepared.problem.model.named_parameters(remove_duplicate=False))
    buffers = [name for name in prepared.parameters.views if name not in parameters]
    if measures and prepared.parameters.parts:
        raise UsageError(
            f"measures: {some(list(prepared.parameters.parts))} shares the memory of another "
            "parameter, so gradients are incomplete; drop measures, or tie parameters as one object"
        )
    for measure in measures:
        recalibrated = config.batch_norm == "recalibrate" and batch_norms(prepared.problem.model)
        measure.check(
            [] if own_states else buffers,
            bool(recalibrated),
            "fp32" if config.precision == "auto" else config.precision,
        )
        if measure.split is not None and measure.split not in sources:
            raise UsageError(
                f"measures.{measure.kind}.split: {measure.split!r} is not evaluated; choose one of "
                f"{', '.join(sources)}"
            )
    return measures


def _own_samples(
    measures: Sequence[PointMeasure],
    prepared: PreparedProblem,
    sources: Sources,
    config: RunConfig,
) -> dict[Key, SplitData]:
    """Return the samples of measures that have their own number of them."""
    size = config.batch_size or default_micro_batch(prepared.device)
    found: dict[Key, SplitData] = {}
    for measure in measures:
        if measure.samples == "all":
            continue
        split = measure.split or next(iter(sources))
        key = f"measures.{measure.kind}.samples"
        source = subset(
            split, prepared.problem.splits[split], measure.samples, key, f"set {key} to all"
        )
        found[split, measure.samples] = SplitData(split, source, size, prepared.device)
    return found


def _quantizer(prepared: PreparedProblem, slice_: Slice, config: RunConfig) -> Quantizer | None:
    """Return the rounding of each point's weights, if requested."""
    if config.quantize is None:
        return None
    section = config.quantize.model_dump()
    return quantizer_for(prepared.problem.model, prepared.parameters, slice_, section)


def _recalibration(
    problem: Problem, device: torch.device, config: RunConfig
) -> Recalibration | None:
    """Return the re-estimation of batch norm's statistics at each point, if requested."""
    samples = config.batch_norm_samples
    if samples is None:
        return None
    if not batch_norms(problem.model) and recalibrates(config.model_dump()):
        return None  # by default, whether there is batch norm or not
    data = training_samples(problem, device, samples, "batch_norm: recalibrate")
    return Recalibration(problem.model, data, problem.objective)
