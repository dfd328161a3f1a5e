"""Every built-in component passes the conformance kit."""

from __future__ import annotations

from vaezoo.components.decoders import ConvTransposeDecoder, MLPDecoder
from vaezoo.components.encoders import ConvEncoder, MLPEncoder
from vaezoo.components.likelihoods import MSE, Bernoulli, ContinuousBernoulli, Gaussian
from vaezoo.components.losses import ELBOLoss
from vaezoo.components.optimizers import SGD, Adam, AdamW
from vaezoo.components.priors import StandardNormal
from vaezoo.testing import (
    DecoderConformance,
    EncoderConformance,
    LikelihoodConformance,
    LossConformance,
    OptimizerConformance,
    PriorConformance,
)


class TestMLPEncoder(EncoderConformance):
    component = MLPEncoder(hidden=(32,))


class TestConvEncoder(EncoderConformance):
    component = ConvEncoder(channels=(8, 16))


class TestMLPDecoder(DecoderConformance):
    component = MLPDecoder(hidden=(32,))


class TestConvTransposeDecoder(DecoderConformance):
    component = ConvTransposeDecoder(channels=(16, 8))


class TestBernoulli(LikelihoodConformance):
    component = Bernoulli()
    support = "binary"


class TestContinuousBernoulli(LikelihoodConformance):
    component = ContinuousBernoulli()
    support = "unit"


class TestGaussian(LikelihoodConformance):
    component = Gaussian()
    support = "real"


class TestMSE(LikelihoodConformance):
    component = MSE()
    normalised = False


class TestStandardNormal(PriorConformance):
    component = StandardNormal()


class TestELBO(LossConformance):
    component = ELBOLoss(beta=2.0, free_bits=0.1)


class TestAdam(OptimizerConformance):
    component = Adam()


class TestAdamW(OptimizerConformance):
    component = AdamW()


class TestSGD(OptimizerConformance):
    component = SGD()
