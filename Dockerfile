# The project with its pinned versions. Not built where the project is developed, for want of Docker:
#   docker build -t rnaexp .
#   docker run --rm -v "$PWD/work:/work" rnaexp run --model lm-nano
FROM python:3.11-slim
WORKDIR /opt/rnaexp
COPY pyproject.toml constraints.txt README.md LICENSE MANIFEST.in ./
COPY src src
COPY experiments experiments
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu --constraint constraints.txt torch \
 && pip install --no-cache-dir --constraint constraints.txt .
RUN useradd --create-home rnaexp && mkdir /work && chown rnaexp /work
USER rnaexp
WORKDIR /work
ENTRYPOINT ["rnaexp"]
CMD ["run"]
