"""How weights depend on similarities: five forms, their combination, and what they are made of.

A form is a frozen value with `weights(pairs)`, so it is a weighting itself, and with what the walk over a memory
(`weightlab.step`) and a probe along a curve (`probe`) need to know. A new form is a file here, a loop in
`weightlab/step/walk.py` and its class in `form.py`.
"""

from weightlab.forms.assigned import AssignedForm, PositiveForm
from weightlab.forms.band import BandForm
from weightlab.forms.form import Form, form_of
from weightlab.forms.hardest import HardestForm
from weightlab.forms.pointwise import PointwiseForm
from weightlab.forms.positives import Positives
from weightlab.forms.probe import Probe, probe_all_pairs
from weightlab.forms.scale import Scale
from weightlab.forms.softmax import Exponent, Line, SoftmaxForm
from weightlab.forms.triplets import TripletForm

__all__ = [
    "AssignedForm",
    "BandForm",
    "Exponent",
    "Form",
    "HardestForm",
    "Line",
    "PointwiseForm",
    "PositiveForm",
    "Positives",
    "Probe",
    "Scale",
    "SoftmaxForm",
    "TripletForm",
    "form_of",
    "probe_all_pairs",
]
