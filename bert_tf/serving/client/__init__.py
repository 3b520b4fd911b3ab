"""Clients of TF Serving: `rest.RestClient` and `grpc.GrpcClient`, which answer alike.

    from bert_tf.serving.client.rest import RestClient

    with RestClient("http://localhost:8501", "mine") as client:
        for answer in client.predict({"text": ["The [MASK] of the list."]}):
            print(answer["tokens"][0])

RestClient needs httpx2 (the extra `serving`) and not TensorFlow, GrpcClient TensorFlow,
whose messages are on the wire.
"""
