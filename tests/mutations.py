"""Break the method one step at a time and show which test notices: `python tests/mutations.py [WORDS OF ONE]`.

Each mutation is one edit of a copy of the source; the whole-job and structure tests then run against the copy. A
mutation that no test notices is a hole in the tests, and the exit status says so.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUITE = (
    "tests/test_planted_head.py",
    "tests/structure",
    "tests/stats",
    "tests/test_assessment.py",
    "tests/run",
    "tests/models/test_controls.py",
    "tests/data/test_shuffle.py",
)

# What is broken in these files is looked for here first; the rest of the suite follows.
FIRST = {
    "models/spread.py": "tests/models/test_tokens.py",
    "models/hyenadna.py": "tests/models/test_hyenadna.py",
    "models/omnigenome.py": "tests/models/test_omnigenome.py",
    "models/native.py": "tests/models/test_published.py",
    "models/adapter.py": "tests/models/test_checkpoints.py",
    "run/embedding.py": "tests/classify/test_long_embeddings.py",
    "models/options.py": "tests/models/test_options.py",
    "models/streaming.py": "tests/models/test_options.py",
    "models/encoder.py": "tests/models/test_options.py tests/models/test_published.py",
    "models/sequence_encoder.py": "tests/models/test_published.py",
    "models/letters.py": "tests/models/test_letters.py",
    "models/msa_encoder.py": "tests/fitness",
    "fitness/conventions.py": "tests/fitness",
    "fitness/agreement.py": "tests/fitness",
    "fitness/baselines.py": "tests/fitness",
    "run/fitness.py": "tests/fitness",
    "run/fitness_baselines.py": "tests/fitness",
    "run/fitness_scores.py": "tests/fitness",
    "data/assays.py": "tests/fitness",
    "report/fitness_tables.py": "tests/fitness",
    "models/fair_esm.py": "tests/models/test_calm.py",
    "models/nucleotide_transformer.py": "tests/models/test_nucleotide_transformer.py",
    "models/mosaic_bert.py": "tests/models/test_mosaic_bert.py",
    "structure/windows.py": "tests/structure/test_windows.py tests/classify/test_long_embeddings.py",
    "structure/reading.py": "tests/structure/test_windows.py",
    "run/read.py": "tests/structure/test_windows.py tests/models/test_options.py",
    "run/model_verbs.py": "tests/run/test_model_verbs.py",
    "data/infernal.py": "tests/data/test_infernal.py",
    "structure/probe.py": "tests/structure/test_probe.py",
    "structure/contacts.py": "tests/proteins/test_contact_figures.py",
    "structure/pairs.py": "tests/proteins/test_reading_proteins.py",
    "data/protein_files.py": "tests/proteins/test_reading_proteins.py",
    "data/proteins.py": "tests/proteins/test_protein_sets.py",
    "data/protein_kin.py": "tests/proteins/test_protein_sets.py",
    "run/contacts.py": "tests/proteins/test_contacts_job.py",
    "report/leaderboard.py": "tests/report/test_compare.py tests/proteins/test_contacts_job.py",
    "run/fitted.py": "tests/test_fitted.py",
    "structure/larger.py": "tests/test_larger_search.py",
    "run/larger.py": "tests/test_larger_search.py",
    "classify/kernel.py": "tests/classify/test_similarity.py",
    "classify/similarity.py": "tests/classify/test_similarity.py",
    "classify/resample.py": "tests/classify/test_similarity.py",
    "pretrain/recipe.py": "tests/pretrain/test_pretrain_data.py",
    "models/unpack.py": "tests/models/test_sources.py",
    "models/fetch.py": "tests/models/test_sources.py tests/models/test_hub.py",
    "models/lock.py": "tests/models/test_sources.py tests/models/test_hub.py",
    "models/left_to_right.py": "tests/models/test_decoders.py",
    "models/multimolecule.py": "tests/golden/test_multimolecule_layouts.py",
    "models/tokenizer.py": "tests/models/test_new_models.py tests/models/test_decoders.py",
    "models/kernel.py": "tests/models/test_kernel.py",
    "models/folding.py": "tests/models/test_kernel.py",
    "models/baselines.py": "tests/models/test_kernel.py",
    "models/axial.py": "tests/models/test_msa_transformer_options.py",
}

# (what is broken, file, the code, the broken code)
MUTATIONS = (
    ("sources: a member may lead out of the folder", "models/unpack.py", 'name.is_absolute() or ".." in name.parts or', "name.is_absolute() or"),
    ("sources: an archive may unpack to anything", "models/unpack.py", "if total > limit:", "if False:"),
    ("sources: another source than the locked one", "models/fetch.py", "if source.address == held.source)\n    if not same", "if source)\n    if not same"),
    ("sources: the first failure ends it", "models/fetch.py", "if len(sources) == 1 and isinstance(error, InputError):", "if True:"),
    ("sources: other bytes than those locked", "models/lock.py", "if (found := file_facts(path)) != dict(facts):", "if (found := file_facts(path)) is None:"),
    ("decoders: a letter is read where it stands", "models/left_to_right.py", "device=rows.device) - 1", "device=rows.device)"),
    ("decoders: the first letter from the last", "models/left_to_right.py", "if first == 0:", "if False:"),
    ("decoders: what authors write round a sequence is left out", "models/tokenizer.py", "side if given is None else _ids_of(tokenizer, given, model)", "side"),
    ("multimolecule: CaLM's halves are not turned", "models/multimolecule.py", 'if kind == "calm":', "if False:"),
    ("multimolecule: positions from 2 read from 1", "models/multimolecule.py", "alike[_POSITIONS] = alike[_POSITIONS][1:].clone()", "alike[_POSITIONS] = alike[_POSITIONS][:-1].clone()"),
    ("multimolecule: another model's weights under a row's name", "models/multimolecule.py", "if spec.loader not in (rows, GENERIC):", "if False:"),
    ("fitness: wild type less mutant", "fitness/conventions.py", "rows[at, new].astype(float) - rows[at, old]", "rows[at, old].astype(float) - rows[at, new]"),
    ("fitness: the masked marginal masks nothing", "run/fitness_scores.py", 'hidden = asked.convention == "masked-marginal"', "hidden = False"),
    ("fitness: the mutant marginal hides every site", "fitness/conventions.py", "        return mutated_sites(wild_type, sequence)\n", "        return tuple(range(len(sequence)))\n"),
    ("fitness: the wild type's pseudo-likelihood stays in", "run/fitness_scores.py", "scores[:-1] - scores[-1]", "scores[:-1]"),
    ("fitness: one result for every convention", "run/fitness_scores.py", '"convention": asked.convention,', '"convention": "",'),
    ("fitness: one result for every wild type", "run/fitness_scores.py", '"wild_type": None if alone else asked.assay.wild_type,', '"wild_type": None,'),
    ("fitness: one result for every alignment", "run/fitness_scores.py", "asked.alignment.rows[1:] if asked.alignment is not None else None,", "None,"),
    ("fitness: the order of rounding passes for knowledge", "run/fitness_scores.py", "certainty < ROUNDING", "certainty < -1"),
    ("fitness: an N is scored", "run/fitness_scores.py", '"an N has no likelihood" if "N" in sequence else ""', '""'),
    ("fitness: insertions are scored site by site", "run/fitness_scores.py", "    if assay.substitutions_only:\n        return", "    if True:\n        return"),
    ("fitness: ties are broken by place", "fitness/agreement.py", "np.corrcoef(rankdata(scores), rankdata(measured))", "np.corrcoef(scores.argsort().argsort(), rankdata(measured))"),
    ("fitness: a jackknife as narrow as a mean's", "fitness/agreement.py", "np.sqrt((sites - 1) / sites *", "np.sqrt(1 / sites *"),
    ("fitness: mutants are kept and others left out", "fitness/agreement.py", "kept.append(column == own)", "kept.append(column != own)"),
    ("fitness: every number of mutations counts the same", "fitness/agreement.py", 'weights=known["variants"]', "weights=None"),
    ("fitness: certainty without the ln 4", "fitness/agreement.py", "float(np.log(4) + certain)", "float(certain)"),
    ("fitness: a pseudocount for each letter", "fitness/baselines.py", "+ 1 / len(BASES)", "+ 1"),
    ("fitness: an unstable fold is fitter", "run/fitness_baselines.py", "-_energies(", "_energies("),
    ("fitness: lower is never fitter", "run/fitness.py", 'sign = 1.0 if assay.direction == "higher" else -1.0', "sign = 1.0"),
    ("fitness: mutations of other variants", "run/fitness.py", "else mutations[keep]", "else mutations[: keep.sum()]"),
    ("fitness: homologs on the row of a model that reads none", "run/fitness.py", "        asked = _read_by(encoder, asked)\n", ""),
    ("fitness: baselines on variants the model could not score", "run/fitness.py", "_judge_of(assay, mutations, np.isfinite(scores), reasons)", "_judge_of(assay, mutations, np.isfinite(scores) | True, reasons)"),
    ("fitness: the wild type is a variant", "data/assays.py", "for variant in self.variants if variant.sequence != self.wild_type", "for variant in self.variants"),
    ("fitness: one sample for every seed", "data/assays.py", "default_rng(seed)", "default_rng(0)"),
    ("fitness: an infinite score is read", "data/assays.py", "if not math.isfinite(score) or", "if"),
    ("fitness: a model below the number of mutations is not called out", "report/fitness_tables.py", "value <= theirs", "value <= -1"),
    ("fitness: a mean of the assays there are", "report/fitness_tables.py", "if len(some) == sets == ", "if sets == sets or sets == "),
    ("fitness: beside altered alignments", "report/leaderboard.py", "map(values).where(plain)", "map(values)"),
    ("fitness: a base is hidden from its first token only", "models/sequence_encoder.py", "any(span[0] <= base < span[1] for base in masked)", "any(span[0] == base for base in masked)"),
    ("fitness: tokens of a base add up", "models/letters.py", "total / covering", "total"),
    ("fitness: an alignment's next base is hidden", "models/msa_encoder.py", "encoded[-1][0, [base + 1 for base in bases]]", "encoded[-1][0, [base for base in bases]]"),
    ("contacts: at 8 angstrom as well", "data/protein_files.py", "< CONTACT_ANGSTROM", "<= CONTACT_ANGSTROM"),
    ("contacts: C-alpha of every residue", "data/protein_files.py", '"CA" if _letter(name) == "G" else "CB"', '"CA"'),
    ("contacts: C-beta of glycine", "data/protein_files.py", '"CA" if _letter(name) == "G" else "CB"', '"CB"'),
    ("contacts: the last model", "data/protein_files.py", "file.get_structure(1, ", "file.get_structure(-1, "),
    ("contacts: the first alternate place", "data/protein_files.py", '"occupancy" if _has_altlocs(source) else "first"', '"first"'),
    ("contacts: ligands are residues", "data/protein_files.py", 'if line.startswith("HETATM") and last in ended:', "if False:"),
    ("contacts: residues placed without regard to their numbers", "data/protein_files.py", "np.where(before >= 0, cost[np.maximum(before, 0)], np.inf)", "np.full(len(names), np.inf)"),
    ("contacts: unresolved residues are scored", "structure/pairs.py", "allowed[lost], allowed[:, lost] = False, False", "pass"),
    ("contacts: unresolved residues are no candidates on one side only", "structure/pairs.py", "allowed[lost], allowed[:, lost] = False, False", "allowed[lost] = False"),
    ("contacts: long range begins one too early", "structure/contacts.py", '"long": (24, np.inf)', '"long": (23, np.inf)'),
    ("contacts: missing candidates are not counted", "structure/contacts.py", "best = max(1, chain.bases // divisor)", "best = min(len(scores), max(1, chain.bases // divisor))"),
    ("contacts: a cut parts kin", "data/proteins.py", "by_cluster.setdefault(rna.cluster, [])", "by_cluster.setdefault(rna.id, [])"),
    ("contacts: the first chain of a sequence is kept", "data/proteins.py", "if len(protein.unresolved) < len(known.unresolved):", "if False:"),
    ("contacts: identity of the longer chain", "data/protein_kin.py", "IDENTITY * min(len(a), len(b))", "IDENTITY * max(len(a), len(b))"),
    ("contacts: asked of every model", "run/contacts.py", 'if about.group != "protein" and about.name not in _READERS:', "if False:"),
    ("contacts: on a board of RNAs", "report/leaderboard.py", ' & table[_TASK].isna()', ""),
    ("no symmetrising", "structure/counts.py", "mirror = 1.0 if symmetrise else 0.0", "mirror = 0.0"),
    ("no APC", "structure/counts.py", "rows *= 1.0 / total if apc else 0.0", "rows *= 0.0"),
    ("> for >= at the threshold", "structure/evaluate.py", "astype(np.float64) >= threshold", "astype(np.float64) > threshold"),
    ("special tokens off by one", "models/planted.py", "first, last = self.config.strip", "first, last = (0, 2)"),
    ("special tokens left in", "models/planted.py", "first, last = self.config.strip", "first, last = (0, 0)"),
    ("edge of the plateau, not its middle", "structure/curve.py", "(scores[first] + lower) / 2", "scores[first]"),
    ("leakage guard gone", "structure/evaluate.py", "    refuse_leakage(scores, tuned, allow_related=allow_related)\n", ""),
    ("guard blind to clusters", "structure/evaluate.py", "elif rna.cluster in tuned.clusters and not allow_related:", "elif False:"),
    ("relatives not dropped", "run/structure.py", 'related if task.related == "drop" else ()', "()"),
    ("minimum separation one too small", "structure/pairs.py", "np.triu(np.ones((n, n), bool), scoring.min_separation)", "np.triu(np.ones((n, n), bool), scoring.min_separation - 1)"),
    ("reference not restricted to candidates", "structure/pairs.py", "for i, j in rna.pairs or () if allowed[i, j]]", "for i, j in rna.pairs or ()]"),
    ("greedy lets a base pair twice", "structure/counts.py", "if not paired[i] and not paired[j]:", "if not paired[i]:"),
    ("bound of short lists too low", "structure/curve.py", "most = 2.0 * known / (calls + missing + known)", "most = before"),
    ("ties of a short list's end taken as known", "structure/curve.py", "if scores[pair] <= end:", "if scores[pair] < end:"),
    ("pooled instead of the mean over RNAs", "structure/curve.py", 'if averaging == "per-rna":', 'if averaging != "per-rna":'),
    ("frozen while another head could win", "structure/tune.py", "if found.uncertain:", "if False:"),
    ("oracle's head instead of the tuned one", "structure/evaluate.py", "layer=tuned.layer, head=tuned.head, threshold=tuned.threshold)", "layer=0, head=0, threshold=tuned.threshold)"),
    ("intervals draw RNAs, not clusters", "stats/bootstrap.py", "np.unique(clusters, return_inverse=True)\n    shares", "np.unique(np.arange(len(clusters)), return_inverse=True)\n    shares"),
    ("signs flipped RNA by RNA", "stats/paired.py", "np.unique(clusters, return_inverse=True)\n    sums", "np.unique(np.arange(len(clusters)), return_inverse=True)\n    sums"),
    ("Holm without its running maximum", "stats/paired.py", "highest = max(highest, min(", "highest = max(0.0, min("),
    ("Wilcoxon counts relatives twice", "stats/paired.py", "    means = np.bincount(member, differences, len(names)) / np.bincount(member)", "    means = differences"),
    ("re-tuning takes the first threshold", "structure/retune.py", "at = values.argmax(1)", "at = values.argmax(1) * 0"),
    ("re-tuned threshold at the plateau's edge", "structure/retune.py", "below = np.where((at >= 0) & (drawn > 0)", "below = np.where((at < -1) & (drawn > 0)"),
    ("short test lists taken as exact when re-tuning", "structure/retune.py", "        if not rna.complete:\n            cut", "        if False:\n            cut"),
    ("relaxed matching finds a pair twice", "structure/relaxed.py", "if owner[pair] < 0:", "if True:"),
    ("multiplets taken for pseudoknots", "structure/kinds.py", "knotted = largest_matching(free)", "knotted = free"),
    ("ties at N all counted", "structure/ranking.py", "share = (n - above.sum()) / tied.sum()", "share = 1.0"),
    ("average precision of pairs no decoder calls", "structure/ranking.py", "precision).sum() / rna.references)", "precision).sum() / max(1, hits.sum()))"),
    ("stems across a loop of two", "models/controls.py", "_MIN_LOOP = 3 ", "_MIN_LOOP = 2 "),
    ("G-test weighs copies", "models/controls.py", "letters * weights[:, None, None]", "letters * 1.0"),
    ("shuffle leaves the Euler path", "data/shuffle.py", "            others.append(last[letter])", "            others.insert(0, last[letter])"),
    ("rows shuffled whole, covariation kept", "data/shuffle.py", "random.permuted(letters[1:], axis=0)", "random.permutation(letters[1:], axis=0)"),
    ("z-score over pairs that cannot be called", "structure/pairs.py", "where = torch.from_numpy(np.flatnonzero(allowed))", "where = torch.from_numpy(np.arange(allowed.size))"),
    ("ranks from 0", "structure/reading.py", "np.arange(1, scores.shape[1] + 1, dtype", "np.arange(0, scores.shape[1], dtype"),
    ("contrast not paired by RNA", "structure/evaluate.py", 'one.merge(other, on="rna", suffixes=("", "_other"))', 'one.reset_index().join(other.reset_index(), rsuffix="_other", how="inner")'),
    ("tokens: a mean where the largest is asked for", "models/spread.py", ", :].amax(-2) for row", ", :].mean(-2) for row"),
    ("tokens: a long token's score not divided", "models/spread.py", "divided = covers / covers.sum(0).clamp(min=1)", "divided = covers"),
    ("tokens: the rule not handed on to one head", "models/encoder.py", "streaming.OneHead(self._layer_of, Spread.of(encoding, self.token_pairs)", "streaming.OneHead(self._layer_of, Spread.of(encoding)"),
    ("tokens: the rule not in the key", "run/read.py", 'if spread != "mean" else {}', 'if spread == "" else {}'),
    ("precision: other weights under one fingerprint", "models/options.py", "held.fingerprint = fingerprint(held.fingerprint, precision)", "pass"),
    ("precision: softmax in the weights' own", "models/streaming.py", "return torch.softmax(scores, dim=-1, dtype=torch.float32)", "return torch.softmax(scores, dim=-1).float()"),
    ("windows: the sum, not the mean", "structure/windows.py", "return total / times.clamp(min=1)", "return total"),
    ("windows: no overlap", "structure/windows.py", "length // 2 // word * word", "length // word * word"),
    ("windows: the end of the RNA left out", "structure/windows.py", "starts=(*range(0, last, step), last)", "starts=tuple(range(0, last, step))"),
    ("families: a table of units read off by one", "classify/kernel.py", "unit * (unit - 1) // 2", "unit * (unit + 1) // 2"),
    ("families: the best of a row from whole lanes only", "classify/kernel.py", "range(len(values) - whole)", "range(0)"),
    ("families: an RNA's own share left out", "classify/kernel.py", "        weight = own * weight_of[at]\n", "        weight = weight_of[at]\n"),
    ("families: an RNA beside itself in the range", "classify/similarity.py", "            block.fill_diagonal_(float(block[0, 1]))", "            pass"),
    ("families: only one side of the range watched", "classify/similarity.py", "float(least) < total.low or ", ""),
    ("families: a family drawn twice counts once", "classify/resample.py", "drawn[:, :1] * (drawn @ rows)", "drawn @ rows"),
    ("windows: corrected twice", "structure/windows.py", "return replace(read_out, symmetrise=False, apc=False)", "return read_out"),
    ("windows: pairs beyond every window scored 0", "structure/reading.py", "return allowed if windows is None else allowed & windows.covered()", "return allowed"),
    ("windows: not in the key", "run/read.py", 'parts["windows"] = [windows.length, windows.starts]', "pass"),
    ("windows: error policy skips", "run/read.py", 'if long == "error":', 'if long == "never":'),
    ("CaLM: halves turned, not neighbours", "models/fair_esm.py", "tensor.view(-1, half, 2, *tensor.shape[1:]).transpose(1, 2).reshape(tensor.shape)", "tensor"),
    ("CaLM: scaled for masks", "models/fair_esm.py", "token_dropout=False,  # calm/pretrained.py does not set it", "token_dropout=True,"),
    ("NT v2: gate and units exchanged", "models/nucleotide_transformer.py", "gate, units = self.up", "units, gate = self.up"),
    ("NT v2: ids in an order of our own", "models/nucleotide_transformer.py", "    tokens_beside=_vocabulary,\n", ""),
    ("DNABERT-2: biases grow with distance", "models/mosaic_bert.py", "(-torch.tensor(slopes(heads)", "(torch.tensor(slopes(heads)"),
    ("DNABERT-2: slopes of the wrong heads", "models/mosaic_bert.py", "slopes(2 * whole)[::2]", "slopes(2 * whole)[1::2]"),
    ("HyenaDNA: the end reaches the beginning", "models/hyenadna.py", "size = 2 * signal.shape[-1]", "size = signal.shape[-1]"),
    ("HyenaDNA: gates exchanged", "models/hyenadna.py", "last, first, value = self.short", "first, last, value = self.short"),
    ("HyenaDNA: no skip", "models/hyenadna.py", " + value * self.skip[:, None]", ""),
    ("HyenaDNA: a window that falls to nothing", "models/hyenadna.py", "* self.rates.abs()) + _SHIFT", "* self.rates.abs())"),
    ("HyenaDNA: a base sees the next", "models/hyenadna.py", "[..., :tokens].chunk(3, 1)", "[..., 1 : tokens + 1].chunk(3, 1)"),
    ("HyenaDNA: waves turn the other way", "models/hyenadna.py", "angles.cos(), -angles.sin()", "angles.cos(), angles.sin()"),
    ("OmniGenome: ids in an order of our own", "models/omnigenome.py", "    tokens_beside=_vocabulary,\n", ""),
    ("native: states one layer late", "models/native.py", "else (*states, hidden)", "else (*states[1:], hidden, hidden)"),
    ("adapter: the row counts more than the file", "models/adapter.py", "told = {**row, **told, ", "told = {**told, **row, "),
    ("k-mers: the ends divided like the middle", "models/spread.py", "(covering[:, None] * covering)", "(covering[:, None] * 0 + k * k)"),
    ("tokens: copies divided on one side", "models/spread.py", "scores /= sizes[:, None] * sizes", "scores /= sizes"),
    ("long embeddings: the sum, not the mean", "structure/windows.py", "return total / times\n\n", "return total\n\n"),
    ("long embeddings: not in the key", "run/embedding.py", 'parts["windows"] = [None', 'ignored = [None'),
    ("long embeddings: error takes what skip stored", "run/embedding.py", 'for rna in rnas if long == "error" else ():', "for rna in ():"),
    ("convert: the tokenizer left behind", "run/model_verbs.py", "            shutil.copyfile(path, out / path.name)", "            pass"),
    ("Infernal: the other strand read forwards", "data/infernal.py", ".translate(_COMPLEMENT)[::-1]", ""),
    ("Infernal: insertions take the model's columns", "data/infernal.py", 'if columns[at] != "." and row[at].isalpha()', "if row[at].isalpha()"),
    ("Infernal: one piece on both strands", "data/infernal.py", "and not any(hit.overlaps(better) for better in kept)", ""),
    ("a call at any place counted right in a breakdown", "structure/breakdown.py", 'right=pairs["reference"] & pairs["called"]', 'right=pairs["called"]'),
    ("probe: negatives count once", "structure/probe.py", "np.where(paired, 1.0, len(others) / max(1, len(drawn)))", "np.ones(len(places))"),
    ("probe: strength chosen on what was fitted", "structure/probe.py", "for train, left_out in folds:", "for train, left_out in [(f[0], f[0]) for f in folds]:"),
    ("probe: weights left on the scaled scores", "structure/probe.py", "(model.coef_[0] / scale)", "model.coef_[0]"),
    ("probe: correction of the first head for all", "structure/probe.py", "(weight / sums)[:, None]", "(weight / sums[0])[:, None]"),
    ("probe: other pairs, the same key", "run/fitted.py", "sorted(rna.pairs or ())", "None"),
    ("probe: the last layer that counts left out", "run/fitted.py", "last = None, max(self._used, default=-1)", "last = None, max(self._used, default=-1) - 1"),
    ("search: relatives in both halves", "structure/larger.py", "smaller += [at for at, one in enumerate(clusters) if one == name]", "smaller += [at for at, one in enumerate(clusters) if one == name][:1]"),
    ("search: limited calls limit the reference", "structure/larger.py", "reference=reference(rna, scoring)", "reference=reference(rna, limited)"),
    ("search: always standardised", "structure/larger.py", "if chosen.standardise and every.size:", "if every.size:"),
    ("search: chosen where it was searched", "run/larger.py", "return _evaluated([configured(one, chosen, scoring) for one in second], threshold, scoring)", "return _evaluated([configured(one, chosen, scoring) for one in first], threshold, scoring)"),
    ("kernel: having no partner is no choice", "models/kernel.py", "(exponents.sum() + np.exp(none - most))", "exponents.sum()"),
    ("kernel: neighbours weigh alike", "models/kernel.py", "weight *= decay", "weight *= 1"),
    ("kernel: the stack goes outwards only", "models/kernel.py", "if j - i - 2 * step > _MIN_LOOP:", "if False:"),
    ("kernel: no average product correction", "models/kernel.py", "/ total if total > 0 else both", "* 0"),
    ("kernel: fitted numbers are no part of the fingerprint", "models/baselines.py", "recipe += [] if method.fitted is None", "recipe += [] if True"),
    ("viennarna-mean: a mean over the rows with a base", "models/folding.py", "(total / len(rows))", "(total / max(1, sum(bool(r.strip('-')) for r in rows)))"),
    ("viennarna-mean: every row is read", "models/folding.py", ".rows[:max_rows]", ".rows"),
    ("a distance on an edge belongs to the shorter step", "models/axial.py", "device=at.device), right=True)", "device=at.device), right=False)"),
    ("whole columns in the wrong stage", "pretrain/recipe.py", "if first <= number][-1]", "if first <= number][0]"),
)  # fmt: skip


def run(mutation):
    what, name, code, broken = mutation
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src", ignore=shutil.ignore_patterns("__pycache__"))
        path = Path(folder) / "src" / "rnaexp" / name
        text = path.read_text()
        if text.count(code) != 1:
            return what, f"NOT PLANTED: {name} holds the code {text.count(code)} times"
        path.write_text(text.replace(code, broken))
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "-p",
                "no:cacheprovider",
                *FIRST.get(name, "").split(),
                *SUITE,
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{folder}/src"},
            capture_output=True,
            text=True,
            check=False,
        )
        failed = re.findall(r"^(?:FAILED|ERROR) \S*?::(\w+)", done.stdout, re.MULTILINE)
        if failed:
            return what, failed[0]
        return what, "SURVIVED" if done.returncode == 0 else f"the test process itself died ({done.returncode})"


def main():
    survived = 0
    for mutation in (one for one in MUTATIONS if " ".join(sys.argv[1:]) in one[0]):
        what, test = run(mutation)
        survived += test == "SURVIVED" or test.startswith("NOT")
        sys.stdout.write(f"| {what} | {test} |\n")
        sys.stdout.flush()
    sys.exit(bool(survived))


if __name__ == "__main__":
    main()
