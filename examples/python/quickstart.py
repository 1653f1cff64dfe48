"""What each row of the digits is worth, in five lines."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import verifyd

X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
result = verifyd.knn_shapley(X, y, X_test, y_test, n_neighbors=5)
print(result)
print("look first at the labels of rows", result.argsort()[:10])
