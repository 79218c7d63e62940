print("medullad")
