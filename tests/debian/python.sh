# python3: threads with a queue and a lock, subprocess in many forms, json, asyncio, multiprocessing.
set -eu
cd /tmp
cat > python_expected <<'T'
2664667000
{"a": [1, 2, {"b": null}]}
CompletedProcess(args=['sh', '-c', 'cat; echo err >&2; exit 7'], returncode=7, stdout=b'hi\n', stderr=b'err\n')
[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
50005000
b'async\n'
[0, 1, 2, 3, 4]
TimeoutExpired
-15
332833500
T
cat > work.py <<'T'
import asyncio, json, multiprocessing, queue, signal, subprocess, threading, time

def square(number):
    return number * number

def threads():
    todo, done, lock = queue.Queue(), [], threading.Lock()
    def work():
        while (number := todo.get()) is not None:
            with lock:
                done.append(number * number)
    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers: worker.start()
    for number in range(2000): todo.put(number)
    for _ in workers: todo.put(None)
    for worker in workers: worker.join()
    print(sum(done))

async def tasks():
    process = await asyncio.create_subprocess_exec("echo", "async", stdout=asyncio.subprocess.PIPE)
    print(await process.stdout.read())
    await process.wait()
    async def late(number):
        await asyncio.sleep(0.05 * (5 - number))
        return number
    print(await asyncio.gather(*(late(number) for number in range(5))))

if __name__ == "__main__":
    threads()
    print(json.dumps(json.loads('{"a": [1, 2, {"b": null}]}')))
    print(subprocess.run(["sh", "-c", "cat; echo err >&2; exit 7"], input=b"hi\n", capture_output=True))
    print([process.wait() for process in [subprocess.Popen(["sh", "-c", f"exit {code}"]) for code in range(20)]])
    with subprocess.Popen(["seq", "1", "10000"], stdout=subprocess.PIPE) as process:
        print(sum(int(line) for line in process.stdout))
    asyncio.run(tasks())
    try:
        subprocess.run(["sleep", "100"], timeout=0.2)
    except subprocess.TimeoutExpired as error:
        print(type(error).__name__)
    process = subprocess.Popen(["sleep", "100"])
    process.terminate()
    print(process.wait())
    with multiprocessing.Pool(4) as pool:
        print(sum(pool.map(square, range(1000))))
T
python3 work.py > python_found
diff python_expected python_found
