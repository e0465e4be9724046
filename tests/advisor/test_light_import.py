import subprocess
import sys

HEAVY = ("torch", "transformers", "numpy", "faiss", "langchain_core", "streamlit", "pandas")


def loaded_after(code):
    program = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} + ('rich',) if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_the_advisor_loads_nothing():
    assert loaded_after("import advisor") == []


def test_a_recommendation_loads_nothing_heavy(documents):
    code = (
        "from advisor import detect_hardware, profile_data, recommend, to_json\n"
        f"to_json(recommend(detect_hardware(), profile_data({str(documents)!r})))"
    )
    assert loaded_after(code) == []


def test_the_function_is_never_hidden_by_a_module_of_its_name():
    code = "import advisor.decide, advisor.report_html\nfrom advisor import recommend\nassert callable(recommend)"
    assert loaded_after(code) in ([], ["rich"])
