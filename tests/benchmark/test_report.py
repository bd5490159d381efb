"""The report holds the right figures, escapes what it is given, and needs nothing from outside."""

from __future__ import annotations

import base64
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pd = pytest.importorskip("pandas")
pytest.importorskip("matplotlib")

from latentink.benchmark.figures import centre_part, delivery_means, draw_pictures  # noqa: E402
from latentink.benchmark.frechet import picture_distances  # noqa: E402
from latentink.benchmark.measurement import Measurement  # noqa: E402
from latentink.benchmark.paper import paper_tables  # noqa: E402
from latentink.benchmark.report import write_report  # noqa: E402
from latentink.benchmark.tables import (  # noqa: E402
    MAIN,
    detection_table,
    main_table,
    mean_interval,
    more_table,
    refused,
)
from latentink.benchmark.texts import as_markdown, as_text  # noqa: E402
from latentink.critics.lpips import SOURCES, PerceptualLoss  # noqa: E402
from latentink.errors import OptionError  # noqa: E402
from photos import astronaut  # noqa: E402

NASTY = "<b>mine|a_b&c</b>"
PAPER = paper_tables({"kodak": "MSCOCO"})


def row(method: str, photo: str, psnr: float, accuracy: float | None, score: float) -> dict:
    bpp = 2.0
    rate = None if accuracy is None else (2 * accuracy - 1) / bpp
    one = Measurement(
        method=method,
        dataset="kodak",
        photo=photo,
        seed=0,
        psnr_db=psnr,
        ms_ssim=None,
        lpips=0.1,
        bpp=bpp,
        file_bytes=65536,
        width=512,
        height=512,
        density=1.0,
        accuracy=accuracy,
        rsbpp=None if rate is None else rate * bpp,
        rsbpp_rate=rate,
        shannon_rate=None if rate is None else 0.9 * rate,
        payload_bits=None if rate is None else 1000,
        delivered_rate=None if rate is None else 0.8 * rate,
        seconds=1.0,
        stegexpose=score,
        latent_excess=None,
    )
    return {**vars(one), "status": "done", "reason": None}


@pytest.fixture
def results() -> pd.DataFrame:
    rows = [
        row("hill", "a", 60, None, 0.05),
        row("hill", "b", 60, None, 0.1),
        row(NASTY, "a", 40, 0.9, 0.5),
        row("elicbase-6", "a", 30, 0.95, 0.3),
        row("elicbase-6", "b", 32, 0.97, 0.1),
        row("fnns-jpg90-train", "a", 25, 0.8, 0.3),
        row("fnns-jpg90-train", "b", 26, 0.8, 0.4),
    ]
    frame = pd.DataFrame(rows)
    lost = {"method": "steghide", "dataset": "kodak", "photo": "a", "status": "refused"}
    return pd.concat([frame, pd.DataFrame([{**lost, "reason": "too <small>"}])])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    rng = np.random.default_rng(1)
    for photo, left in (("a", 100), ("b", 200)):
        cover = astronaut(0, left, 96, 96)
        for name, deviation in (("cover", 0), ("elicbase-6", 2), ("fnns-jpg90-train", 30)):
            path = folder / "kodak" / name / f"{photo}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noisy = (cover + rng.normal(0, deviation, cover.shape)).clip(0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(path)
    return folder


class Links(HTMLParser):
    """Collects whatever a browser would fetch, and all tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]


def test_interval_is_students() -> None:
    one = mean_interval([1.0, 2.0, 3.0, math.nan])

    assert one.mean == 2
    assert one.half == pytest.approx(4.302653 / math.sqrt(3))  # t of two degrees of freedom
    assert math.isnan(mean_interval([5.0]).half)
    assert math.isnan(mean_interval([]).mean)
    assert mean_interval([math.inf, 3.0]).mean == math.inf


def test_main_table_stands_beside_the_paper_in_its_order(results: pd.DataFrame) -> None:
    distances = pd.DataFrame(
        [{"dataset": "kodak", "method": "elicbase-6", "pictures": 2, "fd_vgg": 0.5, "fid": 100.0}]
    )
    table = main_table(results, "kodak", PAPER, distances)

    assert list(table["name"]) == ["fnns-jpg90-train", "elicbase-6", "hill", NASTY]
    assert list(table["method"]) == ["FNNS-JPG90_TRAIN", "ELICbase_6", "hill", NASTY]
    assert list(table["photos"]) == [2, 2, 2, 1]
    elic = table.set_index("name").loc["elicbase-6"]
    assert elic["psnr_db"] == 31
    assert elic["psnr_db_half"] == pytest.approx(12.7062)
    assert (elic["paper_psnr_db"], elic["paper_bpp"], elic["paper_fid"]) == (26.89, 2.735, 116.55)
    assert elic["psnr_db_difference"] == pytest.approx(31 - 26.89)
    assert elic["accuracy_difference"] == pytest.approx(0.96 - 0.8675)
    assert elic["fid_difference"] == pytest.approx(100 - 116.55)
    assert elic["fd_vgg"] == 0.5
    assert math.isnan(table.set_index("name").loc["hill", "accuracy"])


def test_a_dataset_without_the_paper_stands_alone(results: pd.DataFrame) -> None:
    table = main_table(results, "kodak", paper_tables({}))

    assert table["paper_psnr_db"].isna().all()
    assert not [name for name in as_text(table, MAIN).columns if "paper" in name or "Δ" in name]
    with pytest.raises(OptionError, match="Nothing was measured on 'celeba'"):
        main_table(results, "celeba", PAPER)


def test_seeds_on_one_photo_are_no_more_photos(results: pd.DataFrame) -> None:
    again = results[results["method"] == NASTY].assign(seed=1, psnr_db=50.0)
    table = main_table(pd.concat([results, again]), "kodak", PAPER).set_index("name")

    assert table.loc[NASTY, "photos"] == 1
    assert table.loc[NASTY, "psnr_db"] == 45


def test_table_4_counts_scores_above_the_threshold(results: pd.DataFrame) -> None:
    table = detection_table(results, "kodak", PAPER).set_index("name")

    assert table.loc["elicbase-6", "detection"] == 0.5
    assert table.loc["elicbase-6", "paper_detection"] == 0.07
    assert table.loc["elicbase-6", "detection_difference"] == pytest.approx(0.43)
    assert table.loc["elicbase-6", "error_rate"] == pytest.approx(0.04)
    assert table.loc["fnns-jpg90-train", "detection"] == 1
    assert table.loc["fnns-jpg90-train", "detection_low"] == pytest.approx(0.342, abs=1e-3)
    assert math.isnan(table.loc["hill", "error_rate"])


def test_texts_have_intervals_and_signed_differences(results: pd.DataFrame) -> None:
    text = as_text(main_table(results, "kodak", PAPER), MAIN).set_index("method")

    assert text.loc["ELICbase_6", "PSNR, dB"] == "31.00 ± 12.71"
    assert text.loc["ELICbase_6", "paper's PSNR"] == "26.89"
    assert text.loc["ELICbase_6", "Δ PSNR"] == "+4.11"
    assert text.loc["ELICbase_6", "Δ bpp"] == "−0.735"
    assert text.loc["ELICbase_6", "accuracy"] == "96.00% ± 12.71%"
    assert text.loc["hill", "accuracy"] == ""
    assert text.loc[NASTY, "PSNR, dB"] == "40.00"
    assert "FD-VGG" not in text.columns


def test_markdown_escapes_and_has_as_many_cells_everywhere(results: pd.DataFrame) -> None:
    lines = as_markdown(as_text(main_table(results, "kodak", PAPER), MAIN)).splitlines()

    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert len(lines) == 2 + 4
    assert r"&lt;b>mine\|a\_b&amp;c&lt;/b>" in lines[-1]


def test_delivery_means_leave_out_what_cannot_be_read(results: pd.DataFrame) -> None:
    means = delivery_means(results, "kodak").set_index("method")

    assert set(means.index) == {NASTY, "elicbase-6", "fnns-jpg90-train"}
    assert means.loc["fnns-jpg90-train", "payload_bpp"] == pytest.approx(0.8 * 0.6)
    assert (means["delivered_rate"] < means["shannon_rate"]).all()


def test_refusals_are_listed_with_a_reason(results: pd.DataFrame) -> None:
    assert refused(results).to_dict("records") == [
        {"dataset": "kodak", "method": "steghide", "photos": 1, "reason": "too <small>"}
    ]


def test_the_report_is_one_file_with_everything_in_it(
    results: pd.DataFrame, pictures: Path, tmp_path: Path
) -> None:
    report = write_report(results, PAPER, pictures, {"CPU": "<fast> & cheap"}, tmp_path / "out")

    page = report.read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert len(links.found) == 2  # the scatter plots and the pictures
    assert all(link.startswith("data:image/") for link in links.found)
    for link in links.found:
        head, _, data = link.partition(",")
        starts = {"data:image/png;base64": b"\x89PNG", "data:image/jpeg;base64": b"\xff\xd8"}
        assert base64.b64decode(data, validate=True).startswith(starts[head])
    without_pictures = re.sub(r"base64,[^']*", "", page)
    assert "http" not in without_pictures
    assert "url(" not in without_pictures
    assert not {"script", "link", "b", "small"} & set(links.tags)
    assert "&lt;b&gt;mine|a_b&amp;c&lt;/b&gt;" in page
    assert "&lt;fast&gt; &amp; cheap" in page
    assert "too &lt;small&gt;" in page
    for figure in ("31.00 ± 12.71", "+4.11", "26.89", "0.2690", "50% (9% to 91%)"):
        assert figure in page
    assert report.stat().st_size < 1_000_000


def test_tables_are_written_in_four_formats(results: pd.DataFrame, tmp_path: Path) -> None:
    write_report(results, PAPER, None, {}, tmp_path)

    numbers = pd.read_csv(tmp_path / "tables" / "kodak_main.csv")
    assert list(numbers["psnr_db"]) == [25.5, 31, 60, 40]
    assert "delivered_rate" in pd.read_csv(tmp_path / "tables" / "kodak_more.csv")
    latex = (tmp_path / "tables" / "kodak_detection.tex").read_text()
    assert r"ELICbase\_6" in latex
    assert r"\toprule" in latex
    assert not re.search("[±Δ−]", (tmp_path / "tables" / "kodak_main.tex").read_text())
    assert (tmp_path / "tables" / "kodak_main.md").read_text().count("\n") == 2 + 4


def test_names_of_datasets_make_safe_file_names(results: pd.DataFrame, tmp_path: Path) -> None:
    write_report(results.assign(dataset="../a b"), PAPER, None, {}, tmp_path / "out")

    assert (tmp_path / "out" / "tables" / ".._a_b_main.csv").is_file()
    assert not list(tmp_path.glob("*.csv"))


def test_nothing_measured_is_said(results: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nothing to report"):
        write_report(results[results["status"] == "refused"], PAPER, None, {}, tmp_path)


def test_shannon_beside_the_papers_computed_one(results: pd.DataFrame) -> None:
    table = more_table(results, "kodak", PAPER).set_index("name")

    assert table.loc["elicbase-6", "paper_shannon_rate"] == 0.1593
    assert table["ms_ssim"].isna().all()


def test_pictures_show_photo_and_methods(pictures: Path) -> None:
    data = draw_pictures(pictures, "kodak", ["elicbase-6", "hill"], ["ELICbase_6", "hill"])

    assert data is not None
    assert data.startswith(b"\xff\xd8")
    assert draw_pictures(pictures, "kodak", ["hill"], ["hill"]) is None
    part = centre_part(np.arange(96 * 80 * 3).reshape(96, 80, 3))
    assert part.shape == (24, 20, 3)
    assert part[0, 0, 0] == (36 * 80 + 30) * 3


@pytest.mark.skipif(
    not any(source.find() for source in SOURCES), reason="needs the weights of LPIPS"
)
def test_distances_are_from_the_photos_themselves(pictures: Path) -> None:
    table = picture_distances(pictures, PerceptualLoss()).set_index("method")

    assert list(table["pictures"]) == [2, 2]
    assert 0 < table.loc["elicbase-6", "fd_vgg"] < table.loc["fnns-jpg90-train", "fd_vgg"]
    assert table["fid"].isna().all()
