"""The same service in Flask, run by gunicorn: gunicorn -w 1 -b ADDRESS app:app"""

from flask import Flask, Response, request

app = Flask(__name__)


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


@app.get("/get")
def answer():
    n = request.args.get("n", type=int)
    if n is None or not 0 <= n <= 186:
        return Response("n has to be 0 to 186", 400)
    value = str(fibonacci(n))
    body = f'{{"n":{n},"value":"{value}","digits":{len(value)}}}'
    response = Response(body, mimetype="application/json")
    response.headers.update(
        {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "accept",
            "Accept-Ranges": "none",
            "X-Content-Type-Options": "nosniff",
            "X-Fib-Pod": "bench",
            "ETag": f'"{n}-json"',
        }
    )
    return response
