from ._viper import append as append
from ._viper import digits as digits
from ._viper import walk as walk
