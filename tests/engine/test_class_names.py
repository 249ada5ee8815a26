"""Which class of another set is meant: by name, synonym, published table or likeness; and what cannot be told apart."""

import pytest

from visolo.categories import Category, load_label_set
from visolo.class_names import classes_by_name, conflict, counterpart, suggested_names, without_conflicts

PUPPY = Category(4, "Puppy", None, ("pup", "young-dog"))


def suggested(names: list[str], label_set: str) -> dict[str, str]:
    categories = [Category(number, name) for number, name in enumerate(names, start=1)]
    found = suggested_names(categories, load_label_set(label_set).categories)
    return {category.name: found[category.category_id] for category in categories if category.category_id in found}


def test_a_class_is_known_by_its_name_and_synonyms_and_a_name_goes_first():
    dog = Category(1, "dog", None, ("hound", "puppy"))
    known = classes_by_name([dog, PUPPY, Category(5, "wolf", None, ("hound",))])
    assert known["dog"] is dog
    assert known["puppy"] is PUPPY
    assert known["young dog"] is PUPPY
    assert "hound" not in known  # a dog or a wolf


def test_synonyms_of_either_side_lead_to_the_other():
    dog = Category(1, "dog", None, ("hound",))
    known = classes_by_name([dog, Category(2, "cat")])
    assert counterpart(Category(9, "HOUND"), known) is dog
    assert counterpart(Category(9, "Hund", None, ("chien", "Dog")), known) is dog
    assert counterpart(Category(9, "pet", None, ("dog", "cat")), known) is None
    assert counterpart(Category(9, "otter"), known) is None


def test_names_of_another_set_are_suggested_where_it_is_clear():
    assert suggested(["Person", "motorcycle", "toaster", "giant panda"], "ytvis2021") == {
        "Person": "person",
        "motorcycle": "motorbike",
        "giant panda": "giant_panda",
    }
    assert suggested(["motorbike", "dog"], "coco") == {"dog": "dog"}  # a motorbike may be a bicycle there
    changed = {"eagle": "bird", "owl": "bird", "ape": "monkey", "sedan": "car"}
    assert suggested([*changed, "hand"], "ytvis2021") == changed
    assert suggested(["bird"], "ytvis2019") == {}  # an eagle or an owl


def test_a_name_much_like_one_that_nothing_else_has_is_suggested():
    assert suggested(["vehicle", "trucks"], "ovis") == {"vehicle": "Vehical"}
    assert suggested(["truck", "trucks"], "ytvis2021") == {"truck": "truck"}
    assert suggested(["cat", "house"], "coco") == {"cat": "cat"}


@pytest.mark.parametrize(
    ("categories", "words"),
    [
        ([Category(1, "dog"), Category(2, "Dog ")], "two classes dog"),
        (
            [Category(1, "dog", None, ("cat",)), Category(2, "Cat")],
            "dog cannot have the synonym cat: it is a class",
        ),
        (
            [Category(1, "dog", None, ("pet",)), Category(2, "cat", None, ("Pet",))],
            "dog and cat cannot both have the synonym Pet",
        ),
        ([Category(1, "dog", None, ("Dog", "hound")), Category(2, "cat")], ""),
    ],
)
def test_names_that_mean_two_classes_are_found(categories, words):
    assert words in conflict(categories)
    assert bool(words) == bool(conflict(categories))
    assert conflict(without_conflicts(categories[:1] + [c for c in categories[1:] if c.name != "Dog "])) == ""
