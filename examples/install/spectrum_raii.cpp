// The same in C++17: handles in unique_ptr, failures as exceptions.
#include <softneck.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <vector>

struct spectrum_deleter {
    void operator()(neck_spectrum *spectrum) const { neck_spectrum_destroy(spectrum); }
};
using spectrum_ptr = std::unique_ptr<neck_spectrum, spectrum_deleter>;

static spectrum_ptr spectrum_of(const std::vector<float> &entries, std::int64_t cols)
{
    neck_matrix matrix{};
    matrix.data = entries.data();
    matrix.rows = static_cast<std::int64_t>(entries.size()) / cols;
    matrix.cols = cols;
    matrix.dtype = NECK_F32;
    neck_spectrum *spectrum = nullptr;
    if (neck_spectrum_compute(nullptr, &matrix, nullptr, &spectrum) != NECK_OK)
        throw std::runtime_error(neck_last_error());
    return spectrum_ptr(spectrum);
}

int main()
{
    try {
        spectrum_ptr spectrum = spectrum_of({3, 0, 0, 4, 0, 0, 0, 0}, 2);
        std::cout << "softneck " << neck_version_string() << '\n';
        for (std::int64_t i = 0; i < neck_spectrum_count(spectrum.get()); i++)
            std::cout << neck_spectrum_values(spectrum.get())[i] << '\n';
    } catch (const std::exception &error) {
        std::cerr << "spectrum: " << error.what() << '\n';
        return 1;
    }
}
