"""What the scripts of knn_indices_helper are made of: embeddings, indices, and the folder that serves them."""
