/* Singular values of a small matrix with an installed softneck, in C. */
#include <softneck.h>
#include <stdio.h>

int main(void)
{
    const float rows[4][2] = {{3, 0}, {0, 4}, {0, 0}, {0, 0}};
    const neck_matrix matrix = {.data = rows, .rows = 4, .cols = 2, .dtype = NECK_F32};
    neck_spectrum *spectrum;
    if (neck_spectrum_compute(NULL, &matrix, NULL, &spectrum) != NECK_OK) {
        fprintf(stderr, "spectrum: %s\n", neck_last_error());
        return 1;
    }
    printf("softneck %s\n", neck_version_string());
    for (int64_t i = 0; i < neck_spectrum_count(spectrum); i++) printf("%g\n", neck_spectrum_values(spectrum)[i]);
    neck_spectrum_destroy(spectrum);
    return 0;
}
