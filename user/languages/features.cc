// C++: constructors before main, exceptions through frames and threads, containers, streams, locks, futures, files.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <regex>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

static std::vector<std::string> order;

struct Early {
	Early() { order.push_back("constructed"); }
};
static Early early;

struct Guard {
	int &count;
	explicit Guard(int &count) : count(count) { count++; }
	~Guard() { count--; }
};

static int deep(int level, int &live)
{
	Guard guard(live);
	if (level == 0)
		throw std::out_of_range("deepest");
	return deep(level - 1, live) + 1;
}

static thread_local int own = 7;

int main()
{
	std::cout << "early " << order.front() << "\n";
	int live = 0;
	try {
		deep(100, live);
	} catch (const std::exception &error) {
		std::cout << "caught " << error.what() << " live " << live << "\n";
	}

	std::mutex lock;
	std::condition_variable turn;
	std::vector<int> queue;
	bool done = false;
	long sum = 0;
	std::thread consumer([&] {
		std::unique_lock<std::mutex> held(lock);
		while (!done || !queue.empty()) {
			turn.wait(held, [&] { return done || !queue.empty(); });
			for (int item : queue)
				sum += item;
			queue.clear();
		}
	});
	std::vector<std::thread> producers;
	for (int i = 0; i < 4; i++)
		producers.emplace_back([&, i] {
			own += i;
			for (int k = 0; k < 1000; k++) {
				std::lock_guard<std::mutex> held(lock);
				queue.push_back(k);
				turn.notify_one();
			}
		});
	for (auto &thread : producers)
		thread.join();
	{
		std::lock_guard<std::mutex> held(lock);
		done = true;
	}
	turn.notify_all();
	consumer.join();
	std::cout << "sum " << sum << " own " << own << "\n";

	auto failing = std::async(std::launch::async, []() -> int { throw std::runtime_error("from a thread"); });
	try {
		failing.get();
	} catch (const std::runtime_error &error) {
		std::cout << "future " << error.what() << "\n";
	}

	std::map<std::string, int> words;
	std::istringstream text("one two three two one two");
	for (std::string word; text >> word;)
		words[word]++;
	for (auto &[word, count] : words)
		std::cout << word << "=" << count << " ";
	std::cout << "\n";
	std::unordered_map<int, std::unique_ptr<std::string>> table;
	for (int i = 0; i < 10000; i++)
		table[i * 7919] = std::make_unique<std::string>(std::to_string(i));
	std::cout << "table " << *table.at(5000 * 7919) << "\n";
	std::mt19937_64 random(42);
	std::vector<unsigned long> numbers(100000);
	std::generate(numbers.begin(), numbers.end(), random);
	std::sort(numbers.begin(), numbers.end());
	std::cout << "median " << numbers[50000] << "\n";
	std::smatch match;
	std::string line = "key: 1234 end";
	if (std::regex_search(line, match, std::regex("(\\d+)")))
		std::cout << "regex " << match[1] << "\n";

	namespace fs = std::filesystem;
	fs::path place = fs::temp_directory_path() / "features_cc";
	fs::remove_all(place);
	fs::create_directories(place / "a" / "b");
	for (int i = 0; i < 10; i++)
		std::ofstream(place / "a" / ("file" + std::to_string(i))) << std::string(i * 100, 'x');
	std::uintmax_t bytes = 0;
	int entries = 0;
	for (auto &entry : fs::recursive_directory_iterator(place)) {
		entries++;
		bytes += entry.is_regular_file() ? entry.file_size() : 0;
	}
	std::cout << "files " << entries << " bytes " << bytes << "\n";
	fs::rename(place / "a" / "file9", place / "moved");
	std::cout << "moved " << fs::exists(place / "moved") << fs::exists(place / "a" / "file9") << "\n";
	std::cout << "removed " << fs::remove_all(place) << "\n";

	auto start = std::chrono::steady_clock::now();
	std::this_thread::sleep_for(std::chrono::milliseconds(20));
	std::cout << "slept " << (std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(20)) << "\n";
	std::shared_timed_mutex timed;
	timed.lock();
	std::thread waiter([&] { std::cout << "timed " << timed.try_lock_for(std::chrono::milliseconds(10)) << "\n"; });
	waiter.join();
	timed.unlock();
	return 0;
}
