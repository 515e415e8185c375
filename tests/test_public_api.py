"""The public names, pinned: removing one is a decision, not an accident."""

import importlib

import pytest

import nnlite

API = {
    "nnlite": "Input Layer Sequential Variable InputSpec Initializer Loss Metric Optimizer Regularizer version "
    "__version__ device name_scope activations backend callbacks config constraints datasets "
    "initializers layers losses metrics models optimizers random regularizers saving testing utils",
    "nnlite.layers": "Activation AveragePooling1D AveragePooling2D AvgPool1D AvgPool2D BatchNormalization Conv1D "
    "Conv2D Convolution1D Convolution2D Dense Dropout ELU Flatten GlobalAveragePooling1D GlobalAveragePooling2D "
    "GlobalAvgPool1D GlobalAvgPool2D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPooling1D GlobalMaxPooling2D Input "
    "InputLayer InputSpec Layer LayerNormalization LeakyReLU MaxPool1D MaxPool2D MaxPooling1D MaxPooling2D PReLU "
    "AdditiveAttention Attention EinsumDense GroupQueryAttention MultiHeadAttention "
    "CenterCrop RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom "
    "Resizing UpSampling1D UpSampling2D UpSampling3D "
    "Permute ReLU Rescaling Reshape Softmax SpatialDropout1D SpatialDropout2D ZeroPadding2D serialize deserialize",
    "nnlite.activations": "relu sigmoid tanh softmax linear elu selu gelu silu swish softplus leaky_relu softsign "
    "exponential hard_sigmoid relu6 mish log_softmax hard_silu hard_swish celu glu hard_shrink hard_tanh log_sigmoid "
    "soft_shrink sparse_plus sparse_sigmoid sparsemax squareplus tanh_shrink threshold get serialize deserialize",
    "nnlite.initializers": "Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal GlorotUniform GlorotNormal "
    "HeNormal HeUniform LecunNormal LecunUniform VarianceScaling Orthogonal Identity STFT get serialize deserialize",
    "nnlite.regularizers": "L1 L2 L1L2 l1_l2 OrthogonalRegularizer orthogonal_regularizer get serialize deserialize",
    "nnlite.constraints": "MaxNorm NonNeg UnitNorm MinMaxNorm get serialize deserialize",
    "nnlite.losses": "Loss MeanSquaredError MeanAbsoluteError Huber BinaryCrossentropy CategoricalCrossentropy "
    "SparseCategoricalCrossentropy mean_squared_error mean_absolute_error huber binary_crossentropy "
    "categorical_crossentropy sparse_categorical_crossentropy get serialize deserialize "
    "BinaryFocalCrossentropy CTC CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy CategoricalHinge "
    "Circle CosineSimilarity Dice Hinge KLDivergence LogCosh MeanAbsolutePercentageError MeanSquaredLogarithmicError "
    "Poisson SquaredHinge Tversky binary_focal_crossentropy categorical_focal_crossentropy "
    "categorical_generalized_cross_entropy categorical_hinge circle cosine_similarity ctc dice hinge kl_divergence "
    "log_cosh mean_absolute_percentage_error mean_squared_logarithmic_error poisson squared_hinge tversky",
    "nnlite.metrics": "Metric Mean Sum MeanMetricWrapper Accuracy BinaryAccuracy CategoricalAccuracy "
    "SparseCategoricalAccuracy TopKCategoricalAccuracy SparseTopKCategoricalAccuracy MeanSquaredError "
    "MeanAbsoluteError RootMeanSquaredError Precision Recall get serialize deserialize",
    "nnlite.optimizers": "Optimizer SGD RMSprop Adam AdamW Adagrad Adadelta Adamax Nadam Lion Ftrl Adafactor Lamb Muon "
    "ScheduleFreeAdamW LossScaleOptimizer MultiOptimizer OptimizerMap schedules get serialize deserialize",
    "nnlite.dtype_policies": "DTypePolicy DTypePolicyMap FloatDTypePolicy get serialize deserialize",
    "nnlite.mixed_precision": "DTypePolicy Policy LossScaleOptimizer dtype_policy global_policy set_dtype_policy "
    "set_global_policy",
    "nnlite.optimizers.schedules": "LearningRateSchedule ExponentialDecay PiecewiseConstantDecay CosineDecay "
    "PolynomialDecay InverseTimeDecay CosineDecayRestarts serialize deserialize",
    "nnlite.callbacks": "Callback CallbackList History EarlyStopping ModelCheckpoint LambdaCallback CSVLogger "
    "LearningRateScheduler ReduceLROnPlateau TerminateOnNaN",
    "nnlite.models": "Model Sequential load_model save_model model_from_json",
    "nnlite.saving": "load_model save_model load_weights save_weights register_keras_serializable custom_object_scope "
    "get_custom_objects serialize_keras_object deserialize_keras_object",
    "nnlite.utils": "to_categorical set_random_seed get_file PyDataset Sequence register_keras_serializable "
    "custom_object_scope array_to_img image_dataset_from_directory img_to_array load_img save_img",
    "nnlite.preprocessing": "image sequence image_dataset_from_directory text_dataset_from_directory "
    "timeseries_dataset_from_array",
    "nnlite.preprocessing.image": "array_to_img img_to_array load_img save_img smart_resize",
    "nnlite.preprocessing.sequence": "pad_sequences",
    "nnlite.backend": "backend clear_session epsilon floatx image_data_format is_float_dtype is_int_dtype set_epsilon "
    "set_floatx set_image_data_format standardize_dtype",
    "nnlite.random": "SeedGenerator beta binomial categorical dropout gamma normal randint shuffle "
    "truncated_normal uniform",
    "nnlite.datasets": "digits mnist fashion_mnist",
    "nnlite.config": "backend floatx set_floatx epsilon set_epsilon image_data_format set_image_data_format "
    "get_num_threads set_num_threads dtype_policy set_dtype_policy",
    "nnlite.testing": "check_gradients check_layer",
}


@pytest.mark.parametrize("module", API)
def test_names_are_there(module):
    namespace = importlib.import_module(module)
    missing = [name for name in API[module].split() if not hasattr(namespace, name)]
    assert missing == []


def test_all_of_the_package_is_importable_by_attribute():
    assert set(nnlite.__all__) <= set(dir(nnlite))
    with pytest.raises(AttributeError, match="nothing"):
        nnlite.nothing  # noqa: B018
