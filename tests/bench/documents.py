"""Pairs of JSON documents as a shop's API has them, from a seed: what the comparisons are given."""

import copy
import json
import random
import string

MIB = 1024 * 1024
PAIRS = ["equal in meaning", "1 % changed", "1 % changed and written otherwise", "all changed"]


def write(folder, size, seed=5):
    """Writes each pair of documents of about `size` bytes, and returns its paths by its name."""
    chance = random.Random(seed)
    control = catalogue(chance, size)
    candidates = {
        "equal in meaning": otherwise(chance, control),
        "1 % changed": compact(changed(chance, control, 0.01)),
        "1 % changed and written otherwise": otherwise(chance, changed(chance, control, 0.01)),
        "all changed": compact(changed(chance, control, 1)),
    }
    folder.mkdir(parents=True)
    paths = {}
    for name, text in candidates.items():
        stem = f"{size // MIB} MiB, {name}"
        paths[stem] = [folder / f"{stem}, {side}.json" for side in ("control", "candidate")]
        for path, one in zip(paths[stem], [compact(control), text]):
            path.write_text(one, encoding="utf-8")
    return paths


def catalogue(chance, size):
    products, used = [], 0
    while used < size:
        products.append(product(chance, len(products) + 1))
        used += len(compact(products[-1]).encode()) + 1
    return {"products": products, "page": 1, "total": len(products)}


def product(chance, number):
    name = " ".join(words(chance, 3))
    return {
        "id": number, "name": name, "slug": name.lower().replace(" ", "-"), "subtitle": "",
        "description": f"<b>{name}</b> – it's {' '.join(words(chance, 20))} & \"more\".",
        "price": f"{chance.randrange(100, 99_999) / 100:.2f}", "currency": "EUR",
        "rating": chance.choice([None, round(chance.uniform(1, 5), 1)]),
        "in_stock": chance.random() < 0.8, "tags": words(chance, chance.randrange(4)),
        "listed_at": f"2026-{chance.randrange(1, 13):02}-11T12:00:00.{chance.randrange(1000):03}Z",
        "variants": [
            {"id": number * 10 + at, "sku": f"BN-{number:05}-{at}", "title": words(chance, 1)[0],
             "price": f"{chance.randrange(100, 99_999) / 100:.2f}", "stock": chance.randrange(90)}
            for at in range(chance.randrange(1, 5))],
    }


def words(chance, count):
    """One in twenty with a letter beyond ASCII."""
    found = ["".join(chance.choices(string.ascii_lowercase, k=chance.randrange(3, 9)))
             for _ in range(count)]
    return [it if chance.random() < 0.95 else it.replace("e", "é") + "ø" for it in found]


def compact(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def otherwise(chance, document):
    """The same in other words: members in another order, white space, escapes."""
    return json.dumps(shuffled(chance, document), indent=1).replace("/", "\\/")


def shuffled(chance, value):
    if isinstance(value, dict):
        members = list(value.items())
        chance.shuffle(members)
        return {name: shuffled(chance, it) for name, it in members}
    return [shuffled(chance, it) for it in value] if isinstance(value, list) else value


def changed(chance, document, share):
    """With another value in this share of the fields; what an element is, its `id`, stays."""
    document = copy.deepcopy(document)
    for holder, key in list(fields(document)):
        if key != "id" and chance.random() < share:
            holder[key] = other(holder[key])
    return document


def fields(value):
    for key, it in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(it, (dict, list)):
            yield from fields(it)
        else:
            yield value, key


def other(value):
    if isinstance(value, str):
        return value + "!"
    return not value if isinstance(value, bool) else (value or 0) + 1
