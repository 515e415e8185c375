"""Vocabularies: expressions, what they are adapted to and called with; the same under Keras's name and nnlite's.

A case is (expression, data for adapt or None, input).
"""

WORDS = ["b", "a", "", "zebra", "[UNK]", "x" * 20, "y" * 40, "z" * 90, "naïve", "A"]
ROWS = [["a", "b", "a"], ["c", "zebra", ""], ["b", "[UNK]", "d"]]
TEXTS = ["Hello, World! hello", "", "The quick (brown) fox\tjumps over the lazy dog", "ÉCOLE Straße it's", "a b a b a"]
CORPUS = ["the fox and the dog", "the Dog barks; the fox runs", "hello hello fox", "b a b"]

LOOKUPS = [
    ("StringLookup(vocabulary=['a', 'b'])", None, WORDS),
    ("StringLookup(vocabulary=['a', 'b'], mask_token='')", None, ROWS),
    ("StringLookup(vocabulary=['[UNK]', 'a', 'b'])", None, WORDS),
    ("StringLookup(vocabulary=['', '[UNK]', 'a', 'b'], mask_token='')", None, WORDS),
    ("StringLookup(vocabulary=['a', 'b'], num_oov_indices=5)", None, WORDS),
    ("StringLookup(vocabulary=['a', 'b'], num_oov_indices=5, salt=[3, 77])", None, WORDS),
    ("StringLookup(vocabulary=['a', 'b'], num_oov_indices=3, salt=9, mask_token='d')", None, ROWS),
    ("StringLookup(vocabulary=['a', 'b'], num_oov_indices=0)", None, ["a", "b", "a"]),
    ("StringLookup(vocabulary=['a', 'b'], invert=True)", None, [0, 1, 2, 3, 9]),
    ("StringLookup(vocabulary=['a', 'b'], invert=True, mask_token='', oov_token='?')", None, [[0, 1], [2, 3]]),
    ("StringLookup()", ROWS, ROWS),
    ("StringLookup(max_tokens=4)", ["a", "b", "a", "c", "c", "d", "[UNK]"], ["a", "b", "c", "d"]),
    ("StringLookup(max_tokens=4, mask_token='')", ["a", "b", "", "", "c"], ["a", "b", "c", ""]),
    ("StringLookup(output_mode='one_hot')", ROWS, ["a", "b", "q"]),
    ("StringLookup(output_mode='one_hot')", ROWS, [["a"], ["b"]]),
    ("StringLookup(output_mode='multi_hot', mask_token='')", ROWS, ROWS),
    ("StringLookup(output_mode='count')", ROWS, ROWS),
    ("StringLookup(output_mode='count', max_tokens=12, pad_to_max_tokens=True)", ROWS, ROWS),
    ("StringLookup(output_mode='tf_idf')", ROWS, ROWS),
    ("StringLookup(output_mode='tf_idf', max_tokens=9, pad_to_max_tokens=True)", ROWS, ROWS),
    ("StringLookup(vocabulary=['a', 'b'], idf_weights=[0.5, 0.25], output_mode='tf_idf')", None, ROWS),
    ("StringLookup(vocabulary=['[UNK]', 'a', 'b'], idf_weights=[0.9, 0.5, 0.25], output_mode='tf_idf')", None, ROWS),
    ("IntegerLookup(vocabulary=[12, 36, -4])", None, [[12, 36], [-4, 5]]),
    ("IntegerLookup(vocabulary=[12, 36], num_oov_indices=3)", None, [12, 36, 5, -4, 7, 0]),
    (
        "IntegerLookup(vocabulary=[12, 36], num_oov_indices=4, oov_method='farmhash')",
        None,
        [12, 36, 5, -4, 7, 0, 10**12],
    ),
    ("IntegerLookup(vocabulary=[12, 36], mask_token=0)", None, [12, 0, 36, 5]),
    ("IntegerLookup(vocabulary=[-1, 12, 36])", None, [12, 36, -1]),
    ("IntegerLookup(vocabulary=[12, 36], invert=True)", None, [0, 1, 2, 3]),
    ("IntegerLookup(output_mode='count')", [[1, 2, 2], [3, 3, 3], [-1, 2, 9]], [[1, 2, 3], [3, 3, 4]]),
    ("IntegerLookup(output_mode='tf_idf', mask_token=9)", [[1, 2, 2], [3, 3, 3], [-1, 2, 9]], [[1, 2, 3], [3, 9, 4]]),
    ("IntegerLookup(max_tokens=3)", [5, 5, 6, 6, 7], [5, 6, 7]),
    ("TextVectorization()", CORPUS, TEXTS),
    ("TextVectorization(max_tokens=6)", CORPUS, CORPUS),
    ("TextVectorization(output_sequence_length=4)", CORPUS, [[text] for text in TEXTS]),
    ("TextVectorization(standardize='lower', split='whitespace')", CORPUS, TEXTS),
    ("TextVectorization(standardize='strip_punctuation')", CORPUS, TEXTS),
    ("TextVectorization(standardize=None)", CORPUS, TEXTS),
    ("TextVectorization(split='character')", CORPUS, TEXTS),
    ("TextVectorization(split=None)", CORPUS, [["hello hello fox"], ["b a b"], ["b"]]),
    ("TextVectorization(ngrams=2)", CORPUS, CORPUS),
    ("TextVectorization(ngrams=(1, 3), output_sequence_length=7)", CORPUS, CORPUS),
    ("TextVectorization(output_mode='multi_hot')", CORPUS, TEXTS),
    ("TextVectorization(output_mode='count', ngrams=2)", CORPUS, TEXTS),
    ("TextVectorization(output_mode='tf_idf')", CORPUS, TEXTS),
    ("TextVectorization(output_mode='tf-idf', max_tokens=20, pad_to_max_tokens=True)", CORPUS, TEXTS),
    ("TextVectorization(vocabulary=['fox', 'dog'])", None, CORPUS),
    ("TextVectorization(vocabulary=['', '[UNK]', 'fox', 'dog'])", None, CORPUS),
    ("TextVectorization(vocabulary=['fox', 'dog'], output_mode='count')", None, CORPUS),
]
